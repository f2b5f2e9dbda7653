/** The popup page. Belongs here: its start. */

document.title = "EcoMind";
