/**
 * The page that opens once after the installation.
 *
 * Belongs here: saying what is counted, never read and never sent, and the first choice. Nothing on
 * it sends anything; consent is asked for where sending is switched on. Does not belong here:
 * deciding that it opens (the worker).
 */

import { changeSettings } from "../platform/desk";
import { byId } from "./shared/dom";
import { tell } from "./shared/fields";
import { offerLanguages } from "./shared/language";
import { hostOf, openPage, run } from "./shared/page";

async function start(): Promise<void> {
  const page = await openPage("welcome_title");
  const { words, settings, locked } = page;
  offerLanguages(byId("language", HTMLSelectElement), page, async (language) => {
    await changeSettings((before) => ({ ...before, language }));
    location.reload();
  });
  const managed = byId("managed", HTMLElement);
  managed.hidden = !locked.includes("backendUrl") || settings.localOnly;
  managed.textContent = words.text("welcome_leaves_managed", { host: hostOf(settings.backendUrl) });
  byId("keep-local", HTMLButtonElement).addEventListener("click", () => {
    tell(byId("done", HTMLOutputElement), words.text("welcome_done"));
  });
  byId("connect", HTMLButtonElement).addEventListener("click", () => {
    location.href = "options.html#organisation";
  });
}

void run(start);
