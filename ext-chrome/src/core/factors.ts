/**
 * The factors of the estimates: the project's own, copied at build time.
 *
 * Belongs here: which model, data centre and grid a call takes. Does not belong here: the formula
 * (`estimate.ts`). The copy is made by `ecomind contract export` and not edited by hand.
 */

import generated from "../generated/defaults.json";
import type { Range } from "./types";

export interface ModelEnergy {
  /** kWh of IT energy a call. */
  readonly call: Range;
  /** Wh per 1,000 output tokens. */
  readonly output: Range;
  /** Wh per 1,000 input tokens. */
  readonly input: Range;
  /** Wh per 1,000 output tokens and 1,000 tokens of context. */
  readonly context: Range;
}

export interface Place {
  readonly modelKey: string;
  readonly zoneId: string;
  /** kWh per IT kWh. */
  readonly pue: Range;
  /** L per IT kWh. */
  readonly wue: Range;
  /** L per kWh of electricity. */
  readonly ewif: Range;
  /** gCO2e per kWh, location-based. */
  readonly grid: Range;
}

type Triple = readonly number[];

function range(triple: Triple): Range {
  const [low, mid, high] = triple;
  if (low === undefined || mid === undefined || high === undefined) {
    throw new TypeError("a factor of the copy lacks a value");
  }
  return Object.freeze({ low, mid, high });
}

export const FACTOR_SET_ID = generated.factor_set_id;
export const METHOD_VERSION = generated.method_version;
/** What the defaults rest on: source, address and licence of every factor type in the copy. */
export const SOURCES = generated.sources;

export const REFERENCE_INPUT_TOKENS = generated.constants.reference_input_tokens;
export const REFERENCE_OUTPUT_TOKENS = generated.constants.reference_output_tokens;
export const ATTENTION_CONTEXT_TOKENS = generated.constants.attention_context_tokens;
/** gCO2e per IT kWh of making the hardware. */
export const EMBODIED = range(generated.constants.embodied_g_per_it_kwh);

const ANY = "*";
const ALIASES = new Map<string, string>(Object.entries(generated.provider_aliases));
const NAMES = new Map<string, string>(Object.entries(generated.model_names));
const PLACES = new Map(
  Object.entries(generated.providers).map(([name, row]): [string, Place] => [
    name,
    {
      modelKey: row.model_key,
      zoneId: row.zone_id,
      pue: range(row.pue),
      wue: range(row.wue),
      ewif: range(row.ewif_l_per_kwh),
      grid: range(row.grid_g_per_kwh),
    },
  ]),
);
const MODELS = new Map(
  Object.entries(generated.models).map(([key, row]): [string, ModelEnergy] => [
    key,
    {
      call: range(row.call_kwh),
      output: range(row.output_wh_per_1k),
      input: range(row.input_wh_per_1k),
      context: range(row.context_wh_per_1k_1k),
    },
  ]),
);
const FAMILIES = generated.model_families.map((row) => ({
  pattern: new RegExp(row.pattern),
  modelKey: row.model_key,
}));

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("the copy of the factors is incomplete");
  return value;
}

/** Where a provider's models usually run; the world where the provider is not known. */
export function placeOf(provider: string): Place {
  return found(PLACES.get(ALIASES.get(provider) ?? ANY) ?? PLACES.get(ANY));
}

/** The energy of a model by its name, else of the provider's usual class of model. */
export function energyOf(provider: string, model: string | null): ModelEnergy {
  return found(MODELS.get(modelKeyOf(provider, model)));
}

/** Which row of the factors a model's name means, as the warehouse finds it. */
export function modelKeyOf(provider: string, model: string | null): string {
  const usual = placeOf(provider).modelKey;
  if (model === null) return usual;
  const bare = bareName(model);
  const common = commonName(bare);
  const named = NAMES.get(bare) ?? NAMES.get(common);
  if (named !== undefined) return named;
  const family = FAMILIES.find(({ pattern }) => pattern.test(common) || pattern.test(bare));
  return family?.modelKey ?? usual;
}

/** Lower case, without the path of a registry or gateway. */
function bareName(model: string): string {
  return model.toLowerCase().replace(/^.*\//, "");
}

const CUTS = generated.model_name_cuts.map((cut) => new RegExp(cut));

/** Without geography and vendor (Bedrock), revision, date and channel; dots written as dashes. */
function commonName(bare: string): string {
  return CUTS.reduce((text, cut) => text.replace(cut, ""), bare).replaceAll(".", "-");
}
