import { defineConfig } from "vitest/config";

// Real browsers on two cores: one file after the other, each with browsers of its own.
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 60_000,
    // Waits for what must come; a busy machine only takes longer.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
  },
});
