// What is wrong beyond what the compiler sees: above all promises nobody waits for.

import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** Ways around `textContent`; names of the browser's own interfaces. */
const MARKUP = ["innerHTML", "outerHTML", "insertAdjacentHTML", "setHTML", "srcdoc"];

export default tseslint.config(
  { ignores: ["dist/", "dist-e2e/", "coverage/", "node_modules/"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: ["./tsconfig.json", "./test/tsconfig.json"] } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-unused-vars": ["error", { varsIgnorePattern: "^_+$" }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/unbound-method": "off",
      "no-control-regex": "off",
      "no-restricted-properties": ["error", ...MARKUP.map((property) => ({ property }))],
    },
  },
  {
    // Tests read JSON and pages, whose values have no types.
    files: ["test/**/*.ts"],
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    files: ["**/*.mjs"],
    languageOptions: {
      globals: { Buffer: "readonly", console: "readonly", process: "readonly", URL: "readonly" },
    },
  },
);
