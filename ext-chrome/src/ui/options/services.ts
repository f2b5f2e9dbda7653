/**
 * Which services are counted: those EcoMind knows.
 *
 * Belongs here: their checkboxes. Does not belong here: services a person adds (`custom`).
 */

import { PROVIDERS, type Provider } from "../../core/providers";
import { disableProvider, enableProvider, isProviderPermitted } from "../../platform/desk";
import { byId, el, fill } from "../shared/dom";
import { tell } from "../shared/fields";
import { act, type Frame, type Section } from "./section";

export function servicesSection(frame: Frame): Section {
  const { words, services } = frame.page;
  const status = byId("services-status", HTMLOutputElement);
  const boxes = new Map<string, HTMLInputElement>();
  const line = (provider: Provider): HTMLElement => {
    const box = el("input", { type: "checkbox", id: `service-${provider.id}` });
    boxes.set(provider.id, box);
    box.addEventListener("change", () => {
      void act(status, words, async () => await flip(provider, box.checked, frame, status));
    });
    const note = services.isAtLeast(provider.id) ? words.text("service_at_least") : null;
    return el(
      "div",
      { class: "check" },
      box,
      el(
        "label",
        { for: box.id },
        provider.label,
        el("br"),
        el("span", { class: "small muted" }, provider.hosts.join(", "), note && ` · ${note}`),
      ),
    );
  };
  for (const kind of ["web", "api"] as const) {
    const lines = PROVIDERS.filter((provider) => provider.kind === kind).map(line);
    fill(byId(`services-${kind}`, HTMLElement), ...lines);
  }
  return {
    refresh: async ({ settings }) => {
      for (const [id, box] of boxes) {
        const isOff = settings.disabledProviders.includes(id);
        box.checked = !isOff && (await isProviderPermitted(id));
      }
    },
  };
}

async function flip(
  provider: Provider,
  isOn: boolean,
  frame: Frame,
  status: HTMLOutputElement,
): Promise<void> {
  const { words } = frame.page;
  const name = provider.label;
  if (!isOn) {
    await disableProvider(provider.id);
    tell(status, words.text("service_switched_off", { name }));
  } else if (await enableProvider(provider.id)) {
    tell(status, words.text("service_switched_on", { name }));
  } else {
    const gaps = { host: provider.hosts.join(", ") };
    tell(status, words.text("permission_refused", gaps), "bad");
  }
  await frame.reload();
}
