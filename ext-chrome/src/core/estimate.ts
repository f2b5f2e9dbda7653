/**
 * The footprint of one call, by the project's method.
 *
 * Belongs here: the formula, and what time and size of an answer tell of its tokens. Does not belong
 * here: the factors. The warehouse computes the same figures from the event of the same call; a
 * fixture shared with its tests says so.
 */

import {
  ATTENTION_CONTEXT_TOKENS,
  EMBODIED,
  energyOf,
  type ModelEnergy,
  placeOf,
  REFERENCE_INPUT_TOKENS,
} from "./factors";
import type { BytesPerToken } from "./providers";
import { mapRange } from "./ranges";
import { NO_PARAMETERS } from "./settings";
import type { Call, Confidence, Estimate, Method, ProviderParameters, Range } from "./types";

const SCENARIOS = ["low", "mid", "high"] as const;
/** Around a figure the person set: a third to three times. */
const OWN_FIGURE_SPREAD = 3;

/** What is used when a person sets nothing, as the options page shows it. */
export interface Defaults {
  readonly kwhPerCall: Range;
  readonly pue: Range;
  readonly waterLPerKwh: Range;
  readonly co2eKgPerKwh: Range;
}

/** The defaults of a provider and model: factors of the warehouse in the terms of the options. */
export function defaultsOf(provider: string, model: string | null): Defaults {
  const place = placeOf(provider);
  return {
    kwhPerCall: energyOf(provider, model).call,
    pue: place.pue,
    waterLPerKwh: mapRange(place.ewif, (ewif, s) => ewif + place.wue[s] / place.pue[s]),
    co2eKgPerKwh: mapRange(place.grid, (grid, s) => (grid + EMBODIED[s] / place.pue[s]) / 1000),
  };
}

/** What the timing of an answer told of its tokens. */
export interface Evidence {
  readonly method: Exclude<Method, "per_call">;
  readonly outputTokens: number;
}

/** The estimate of a call; `evidence` is null where nothing tells of its tokens. */
export function estimate(
  call: Call,
  parameters: ProviderParameters = NO_PARAMETERS,
  evidence: Evidence | null = null,
): Estimate {
  const usual = defaultsOf(call.provider, call.model);
  const itKwh =
    parameters.kwhPerCall !== null
      ? ownFigure(parameters.kwhPerCall)
      : evidence !== null
        ? tokenKwh(energyOf(call.provider, call.model), evidence.outputTokens)
        : usual.kwhPerCall;
  const isWhole = parameters.kwhPerCall !== null && parameters.includesPue;
  const pue = isWhole ? exactly(1) : choose(parameters.pue, usual.pue);
  const waterLPerKwh = choose(parameters.waterLPerKwh, usual.waterLPerKwh);
  const co2eKgPerKwh = choose(parameters.co2eKgPerKwh, usual.co2eKgPerKwh);
  const energyKwh = mapRange(itKwh, (kwh, s) => kwh * pue[s]);
  return {
    energyKwh,
    waterL: mapRange(energyKwh, (kwh, s) => kwh * waterLPerKwh[s]),
    co2eKg: mapRange(energyKwh, (kwh, s) => kwh * co2eKgPerKwh[s]),
    method: parameters.kwhPerCall === null && evidence !== null ? evidence.method : "per_call",
    confidence: confidenceOf(call, evidence),
    outputTokens: evidence?.outputTokens ?? null,
  };
}

function confidenceOf(call: Call, evidence: Evidence | null): Confidence {
  return call.isAtLeast || evidence !== null ? "low" : "medium";
}

function exactly(value: number): Range {
  return { low: value, mid: value, high: value };
}

function choose(own: number | null, usual: Range): Range {
  return own === null ? usual : exactly(own);
}

function ownFigure(mid: number): Range {
  return { low: mid / OWN_FIGURE_SPREAD, mid, high: mid * OWN_FIGURE_SPREAD };
}

/** IT energy of a call of which only the output is known; the reference input stands in. */
function tokenKwh(model: ModelEnergy, outputTokens: number): Range {
  const input = REFERENCE_INPUT_TOKENS;
  return mapRange(model.output, (output, s) => {
    const writing = (outputTokens / 1e3) * output;
    const context = ((outputTokens * (input + outputTokens / 2)) / 1e6) * model.context[s];
    const reading = ((input + (input * input) / ATTENTION_CONTEXT_TOKENS) / 1e3) * model.input[s];
    return (writing + context + reading) / 1e3;
  });
}

/** What Resource Timing tells of one answer; kept in memory only. */
export interface Timing {
  /** From the first byte of the answer to its last, in seconds. */
  readonly streamedS: number;
  readonly decodedBytes: number;
}

/** Tokens a second of a streamed answer. */
const TOKENS_PER_SECOND: Range = Object.freeze({ low: 20, mid: 60, high: 150 });
const TOKENS_MAX = 200_000;

/** Output tokens by time and, where the format is known, size; null where they contradict. */
export function readTiming(timing: Timing, bytesPerToken: BytesPerToken | null): Evidence | null {
  if (!(timing.streamedS > 0) || !(timing.decodedBytes > 0)) return null;
  const byTime = mapRange(TOKENS_PER_SECOND, (speed) => timing.streamedS * speed);
  if (bytesPerToken === null) return evidence("duration", byTime.mid);
  const bySize = {
    low: timing.decodedBytes / bytesPerToken.high,
    mid: timing.decodedBytes / bytesPerToken.mid,
    high: timing.decodedBytes / bytesPerToken.low,
  };
  const low = Math.max(byTime.low, bySize.low);
  const high = Math.min(byTime.high, bySize.high);
  return low > high ? null : evidence("size", Math.min(Math.max(bySize.mid, low), high));
}

function evidence(method: Evidence["method"], tokens: number): Evidence | null {
  const outputTokens = twoDigits(Math.min(tokens, TOKENS_MAX));
  return outputTokens >= 1 ? { method, outputTokens } : null;
}

/** A whole number rounded to two significant digits. */
export function twoDigits(value: number): number {
  return Math.round(Number(value.toPrecision(2)));
}

/** Whether a range is in order, as every estimate's must be. */
export function isInOrder(range: Range): boolean {
  return (
    SCENARIOS.every((s) => Number.isFinite(range[s])) &&
    range.low <= range.mid &&
    range.mid <= range.high
  );
}
