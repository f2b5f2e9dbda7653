// Takes the pictures in docs/ of the built extension: `npm run pictures`.
// The days and settings shown are those of the browser tests; no service is contacted.
import { mkdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildInto } from "../build.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
// Beside node_modules, so that the tests' helpers find their packages.
const helpers = at("../node_modules/.pictures.mjs");
const wide = { width: 1280, height: 800 };
const narrow = { width: 360, height: 600 };
const PICTURES = [
  { name: "welcome", size: wide, languages: ["en"] },
  { name: "options", size: wide, languages: ["en"] },
  { name: "popup", size: narrow, languages: ["en", "fr", "de"], isWhole: true },
];

await buildInto(at("../dist-e2e"), { isE2e: true });
await build({
  stdin: {
    contents: `export * from "./launch"; export * from "./person";`,
    resolveDir: at("../test/browser"),
  },
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  outfile: helpers,
  // launch.ts looks for dist-e2e from where it stands.
  define: { "import.meta.url": JSON.stringify(new URL("../test/browser/x", import.meta.url)) },
  logLevel: "warning",
});
const { Backend, Browser, connected, drawn, settings, store, usualDays } = await import(helpers);
rmSync(helpers);

mkdirSync(at("../docs"), { recursive: true });
const browser = await Browser.launch();
const backend = await Backend.start();
try {
  for (const { name, size, languages, isWhole } of PICTURES) {
    for (const language of languages) {
      const isConnected = name === "popup" && language === "en";
      const own = isConnected ? connected(backend.url, { language }) : settings({ language });
      await store(browser, { ...usualDays(), ...own });
      for (const look of ["light", "dark"]) {
        const page = await browser.context.newPage();
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme: look });
        await page.goto(`chrome-extension://${browser.id}/${name}.html`);
        await drawn(page);
        if (isConnected) await page.getByText("18,234").waitFor();
        const path = at(`../docs/${name}-${language}-${look}.png`);
        await page.screenshot({ path, fullPage: isWhole === true });
        await page.close();
      }
    }
  }
} finally {
  await browser.close();
  await backend.stop();
}
