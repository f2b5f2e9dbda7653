import { defineConfig } from "vitest/config";

// Real browsers on two cores: one file after the other, each with browsers of its own.
export default defineConfig({
  test: {
    include: ["test/browser/**/*.test.ts"],
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
