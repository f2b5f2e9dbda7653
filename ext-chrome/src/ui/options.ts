/** The options page. Belongs here: its start. */

document.title = "EcoMind";
