/**
 * What services are called, and what kind they are, built in or a person's own.
 *
 * Belongs here: names by id. Does not belong here: the table itself (`core/providers`).
 */

import { PROVIDERS, providerById } from "../../core/providers";
import type { Settings } from "../../core/types";
import type { Words } from "./i18n";

/** Names of services, as far as these settings know them. */
export class Services {
  private readonly own: ReadonlyMap<string, string>;

  constructor(
    settings: Pick<Settings, "customProviders">,
    private readonly words: Words,
  ) {
    this.own = new Map(settings.customProviders.map(({ id, name }) => [id, name]));
  }

  /** The name of a service; one that was removed keeps its figures, under a general name. */
  nameOf(providerId: string): string {
    const name = providerById(providerId)?.label ?? this.own.get(providerId);
    return name ?? this.words.text("custom_removed_name");
  }

  /** Whether one counted connection may stand for several messages. */
  isAtLeast(providerId: string): boolean {
    return providerById(providerId)?.rules.some((rule) => rule.isHandshake) ?? false;
  }

  /** Every service with its name, built-in ones first. */
  all(): readonly (readonly [id: string, name: string])[] {
    return [...PROVIDERS.map(({ id, label }) => [id, label] as const), ...this.own];
  }
}
