/**
 * The settings page.
 *
 * Belongs here: putting its sections together, language, the lines about EcoMind itself. Does not
 * belong here: the sections (`options/`).
 */

import { changeSettings, onChange } from "../platform/desk";
import { customSection } from "./options/custom";
import { dataSection } from "./options/data";
import { estimatesSection } from "./options/estimates";
import { organisationSection } from "./options/organisation";
import { privacySection } from "./options/privacy";
import type { Frame, Section } from "./options/section";
import { servicesSection } from "./options/services";
import { byId } from "./shared/dom";
import { offerLanguages } from "./shared/language";
import { openPage, run } from "./shared/page";

async function start(): Promise<void> {
  let page = await openPage("options_title");
  let sections: readonly Section[] = [];
  const frame: Frame = {
    get page() {
      return page;
    },
    reload: async () => {
      page = await openPage("options_title");
      for (const section of sections) await section.refresh(page);
    },
  };
  const privacy = privacySection(frame);
  // Calls are counted all the time; what a person has under their hands moves only with settings.
  const follow = async (): Promise<void> => {
    const before = JSON.stringify(page.settings);
    const now = await openPage("options_title");
    if (JSON.stringify(now.settings) === before) await privacy.refresh(now);
    else await frame.reload();
  };
  const others = [
    organisationSection,
    servicesSection,
    customSection,
    estimatesSection,
    dataSection,
  ].map((make) => make(frame));
  sections = [privacy, ...others];
  byId("managed", HTMLElement).hidden = page.locked.length === 0;
  byId("about-version", HTMLElement).textContent = page.words.text("about_version", {
    version: chrome.runtime.getManifest().version,
  });
  offerLanguages(byId("language-choice", HTMLSelectElement), page, async (language) => {
    await changeSettings((settings) => ({ ...settings, language }));
    location.reload();
  });
  await frame.reload();
  onChange(() => void run(follow));
  // The anchors of the sections exist only now that their contents do.
  if (location.hash !== "") document.querySelector(location.hash)?.scrollIntoView();
}

void run(start);
