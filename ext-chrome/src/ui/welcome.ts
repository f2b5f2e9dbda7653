/** The welcome page. Belongs here: its start. */

document.title = "EcoMind";
