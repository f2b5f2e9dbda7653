import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/unit/**/*.test.ts"],
    coverage: {
      provider: "v8",
      include: ["src/core/**"],
      exclude: ["src/core/types.ts"],
      reporter: ["text-summary"],
      thresholds: { lines: 95, perFile: true },
    },
  },
});
