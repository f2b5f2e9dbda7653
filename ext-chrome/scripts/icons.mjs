// Draws the PNG icons from the two SVG files: `npm run icons` after changing one of them.
// The small sizes have a drawing of their own, whose edges fall on pixels.
import { readFile, writeFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const drawn = new URL("../icons/", import.meta.url);
const packed = new URL("../public/icons/", import.meta.url);
const drawings = { 16: "icon-small.svg", 32: "icon-small.svg", 48: "icon.svg", 128: "icon.svg" };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
});
try {
  for (const [size, name] of Object.entries(drawings)) {
    const svg = await readFile(new URL(name, drawn), "utf8");
    const page = await browser.newPage({ viewport: { width: +size, height: +size } });
    await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw}</style>${svg}`);
    const picture = await page.screenshot({ omitBackground: true });
    await writeFile(new URL(`icon-${size}.png`, packed), picture);
    await page.close();
  }
} finally {
  await browser.close();
}
