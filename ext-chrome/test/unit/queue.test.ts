import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimate } from "../../src/core/estimate";
import { makeEvent, type OutgoingEvent } from "../../src/core/payload";
import {
  AGE_MAX_MS,
  type Answer,
  BATCH_MAX,
  EMPTY_QUEUE,
  emptied,
  enqueue,
  nextBatch,
  normaliseQueue,
  type Queue,
  readRetryAfter,
  resumed,
  settle,
  tidy,
  WAIT_MAX_MS,
  WAIT_MIN_MS,
  WAITING_MAX,
  waitMs,
} from "../../src/core/queue";
import type { Call } from "../../src/core/types";

const NOW = new Date("2026-11-22T10:20:30Z");
const CALL: Call = {
  providerId: "openai-web",
  provider: "openai",
  model: null,
  operation: "chat",
  httpStatus: 200,
  isAtLeast: false,
};
const SENDER = { settings: { orgId: "acme", userId: "" }, version: "1.0.0" };

function event(number: number, at = NOW): OutgoingEvent {
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
  return makeEvent(CALL, estimate(CALL), id, at, SENDER);
}

function waiting(count: number): Queue {
  let queue: Queue = EMPTY_QUEUE;
  for (let i = 0; i < count; i++) queue = enqueue(Object.freeze(queue), event(i), NOW);
  return queue;
}

function answer(status: number, change: Partial<Answer> = {}): Answer {
  return { status, retryAfterMs: null, rejected: 0, ...change };
}

function settled(queue: Queue, status: number, change: Partial<Answer> = {}, dice = 0.5): Queue {
  return settle(queue, nextBatch(queue, NOW), answer(status, change), NOW, dice);
}

describe("what waits", () => {
  it("is sent in batches of 50", () => {
    const queue = waiting(120);
    const batch = nextBatch(queue, NOW);
    expect(batch).toHaveLength(BATCH_MAX);
    expect(BATCH_MAX).toBe(50);
    expect(settled(queue, 202).items).toHaveLength(70);
  });

  it("holds an event once, the better copy of it", () => {
    const better = { ...event(1), output_tokens: 300, usage_source: "chars_estimated" as const };
    const queue = enqueue(waiting(3), better, NOW);
    expect(queue.items.map((item) => item.output_tokens)).toEqual([null, 300, null]);
  });

  it("is at most 500 events; the oldest go, and are counted", () => {
    const queue = waiting(WAITING_MAX + 3);
    expect(queue.items).toHaveLength(500);
    expect(queue.items[0]?.event_id).toBe(event(3).event_id);
    expect(queue.dropped).toBe(3);
  });

  it("is at most seven days old", () => {
    const old = event(1, new Date(NOW.getTime() - AGE_MAX_MS - 3_600_000));
    const queue = tidy({ ...EMPTY_QUEUE, items: [old, event(2)] }, NOW);
    expect(queue.items).toEqual([event(2)]);
    expect(queue.dropped).toBe(1);
  });

  it("is thrown away when the person says so", () => {
    const queue = emptied({ ...waiting(3), pause: "refused_key", attempt: 4, dropped: 7 });
    expect(queue).toEqual({ ...EMPTY_QUEUE, dropped: 7 });
  });
});

describe("an answer", () => {
  it.each([200, 202, 204])("of %i takes the batch out", (status) => {
    const queue = settled({ ...waiting(3), attempt: 2, dropped: 1 }, status);
    expect(queue).toEqual({ ...EMPTY_QUEUE, dropped: 1, lastSentAt: NOW.toISOString() });
  });

  it("of 207 counts what was refused", () => {
    expect(settled(waiting(3), 207, { rejected: 2 })).toMatchObject({ items: [], dropped: 2 });
  });

  it("leaves an event that was refined while it was on its way", () => {
    const before = waiting(2);
    const batch = nextBatch(before, NOW);
    const refined = { ...event(1), output_tokens: 40, usage_source: "chars_estimated" as const };
    const after = settle(enqueue(before, refined, NOW), batch, answer(202), NOW, 0);
    expect(after.items).toEqual([refined]);
  });

  it.each([0, 408, 425, 429, 500, 502, 503, 504])("of %i is tried again later", (status) => {
    const queue = settled(waiting(3), status);
    expect(queue.items).toHaveLength(3);
    expect(queue).toMatchObject({ attempt: 1, pause: null, dropped: 0 });
    expect(nextBatch(queue, NOW)).toEqual([]);
    expect(nextBatch(queue, NOW, true)).toHaveLength(3);
    expect(nextBatch(queue, new Date(queue.notBefore ?? 0))).toHaveLength(3);
  });

  it.each([
    [401, "refused_key"],
    [403, "not_allowed"],
    [404, "wrong_address"],
    [405, "wrong_address"],
  ])("of %i pauses and keeps everything", (status, pause) => {
    const queue = settled(waiting(3), status);
    expect(queue.items).toHaveLength(3);
    expect(queue.pause).toBe(pause);
    expect(nextBatch(queue, NOW)).toEqual([]);
    expect(nextBatch(resumed(queue), NOW)).toHaveLength(3);
    expect(settle(queue, nextBatch(queue, NOW, true), answer(202), NOW, 0).pause).toBeNull();
  });

  it.each([400, 413, 422])("of %i drops the batch and counts it", (status) => {
    const queue = settled(waiting(60), status);
    expect(queue.items).toHaveLength(10);
    expect(queue).toMatchObject({ dropped: 50, lastSentAt: null, notBefore: null });
  });
});

describe("waiting after a failure", () => {
  it("grows with full jitter from 30 s to 1 h", () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, dice) => {
        const wait = waitMs(attempt, dice);
        expect(wait).toBeGreaterThanOrEqual(WAIT_MIN_MS);
        expect(wait).toBeLessThanOrEqual(WAIT_MAX_MS);
      }),
    );
    expect(waitMs(1, 0)).toBe(30_000);
    expect(waitMs(1, 0.999999)).toBeCloseTo(60_000, -2);
    expect(waitMs(3, 0.999999)).toBeCloseTo(240_000, -2);
    expect(waitMs(60, 0.999999)).toBeCloseTo(3_600_000, -2);
  });

  it("honours Retry-After where it is longer", () => {
    const waitedMs = (retryAfterMs: number) =>
      Date.parse(settled(waiting(1), 503, { retryAfterMs }, 0).notBefore ?? "") - NOW.getTime();
    expect(waitedMs(600_000)).toBe(600_000);
    expect(waitedMs(1_000)).toBe(WAIT_MIN_MS);
    expect(waitedMs(1e15)).toBe(AGE_MAX_MS);
  });

  it("reads Retry-After as seconds or a date", () => {
    expect(readRetryAfter("120", NOW)).toBe(120_000);
    expect(readRetryAfter("Sun, 22 Nov 2026 10:21:00 GMT", NOW)).toBe(30_000);
    expect(readRetryAfter("Sun, 22 Nov 2020 10:21:00 GMT", NOW)).toBe(0);
    for (const header of [null, "soon", "-5", "1e9999"]) {
      expect(readRetryAfter(header, NOW) ?? 0).toBeGreaterThanOrEqual(0);
    }
    expect(readRetryAfter("soon", NOW)).toBeNull();
  });
});

describe("a stored queue", () => {
  it("comes back as it was", () => {
    const queue = settled(waiting(3), 503);
    expect(normaliseQueue(JSON.parse(JSON.stringify(queue)))).toEqual(queue);
    const paused = settled(waiting(3), 401);
    expect(normaliseQueue(structuredClone(paused))).toEqual(paused);
  });

  it("is made of anything", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        const once = normaliseQueue({ items: [value, event(1)], attempt: value, pause: value });
        expect(once.items).toContainEqual(event(1));
        expect(normaliseQueue(once)).toEqual(once);
        expect(normaliseQueue(normaliseQueue(value))).toEqual(normaliseQueue(value));
      }),
    );
  });

  it("keeps events younger than seven days in any steps of any answers", () => {
    const statuses = fc.array(fc.constantFrom(0, 202, 207, 401, 422, 503), { maxLength: 30 });
    fc.assert(
      fc.property(statuses, fc.nat({ max: 600 }), (all, count) => {
        let queue: Queue = {
          ...EMPTY_QUEUE,
          items: Array.from({ length: count }, (_, i) => event(i)),
        };
        let sent = 0;
        for (const status of all) {
          queue = tidy(queue, NOW);
          const batch = nextBatch(queue, NOW, true);
          queue = settle(queue, batch, answer(status), NOW, 0.5);
          if (status === 202 || status === 207) sent += batch.length;
        }
        expect(queue.items.length + queue.dropped + sent).toBe(count);
      }),
      { numRuns: 40 },
    );
  });
});
