// Builds dist/ and ecomind-extension-VERSION.zip; with --e2e dist-e2e/ alone, in which every host is
// granted; with --out FOLDER elsewhere.
// Belongs here: bundling, the manifest, the package. The same sources give the same bytes.

import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { zipSync } from "fflate";

const HERE = dirname(fileURLToPath(import.meta.url));
const ENTRIES = {
  background: "src/background/worker.ts",
  timing: "src/content/timing.ts",
  popup: "src/ui/popup.ts",
  options: "src/ui/options.ts",
  welcome: "src/ui/welcome.ts",
};
// The earliest time a zip can hold; read back as local time, hence built from parts.
const ZIP_TIME = new Date(1980, 0, 1);

/** Bundle everything into `out`, which is emptied first; returns its manifest. */
export async function buildInto(out, { isE2e = false } = {}) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const shared = {
    bundle: true,
    target: "chrome120",
    minify: true,
    legalComments: "none",
    charset: "utf8",
    absWorkingDir: HERE,
    logLevel: "warning",
  };
  const { timing, ...pages } = ENTRIES;
  const modules = isE2e ? { ...pages, harness: "test/browser/harness.ts" } : pages;
  await build({ ...shared, entryPoints: modules, format: "esm", outdir: out });
  await build({ ...shared, entryPoints: { timing }, format: "iife", outdir: out });
  cpSync(join(HERE, "public"), out, { recursive: true });
  if (isE2e) {
    writeFileSync(join(out, "harness.html"), '<script type="module" src="harness.js"></script>\n');
  }
  const manifest = await makeManifest(isE2e);
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

/** The manifest: version from package.json, hosts from the provider table. */
async function makeManifest(isE2e) {
  const manifest = readJson("manifest.base.json");
  manifest.version = readJson("package.json").version;
  const { hosts, timedHosts } = await readTable();
  manifest.host_permissions = hosts;
  manifest.content_scripts[0].matches = timedHosts;
  if (isE2e) {
    // Nobody can answer a permission prompt in a test.
    manifest.host_permissions = [...hosts, ...manifest.optional_host_permissions];
    manifest.optional_host_permissions = [];
  }
  return manifest;
}

/** Hosts of the provider table, which is TypeScript. */
async function readTable() {
  const bundled = await build({
    entryPoints: [join(HERE, "src/core/providers.ts")],
    bundle: true,
    format: "esm",
    write: false,
    logLevel: "warning",
  });
  const code = Buffer.from(bundled.outputFiles[0].contents).toString("base64");
  const { PROVIDERS, originsOf } = await import(`data:text/javascript;base64,${code}`);
  const builtIn = PROVIDERS.filter((provider) => provider.isBuiltIn);
  return {
    hosts: builtIn.flatMap((provider) => [...originsOf(provider)]),
    timedHosts: builtIn
      .filter((provider) => provider.timing !== null)
      .flatMap((provider) => [...originsOf(provider)]),
  };
}

function readJson(name) {
  return JSON.parse(readFileSync(join(HERE, name), "utf8"));
}

/** All files below a folder, sorted, as paths with forward slashes. */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => relative(folder, path).replaceAll("\\", "/"))
    .sort();
}

/** A zip of a folder: sorted names and fixed times, so that equal contents are equal bytes. */
export function zipOf(folder) {
  const files = Object.fromEntries(
    filesBelow(folder).map((name) => [name, packed(name, readFileSync(join(folder, name)))]),
  );
  return zipSync(files, { level: 9, mtime: ZIP_TIME, os: 3, attrs: 0o644 << 16 });
}

/** A file as it goes into the zip: the store gives its own key and refuses a manifest with one. */
function packed(name, bytes) {
  if (name !== "manifest.json") return new Uint8Array(bytes);
  const manifest = JSON.parse(bytes.toString("utf8"));
  delete manifest.key;
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isE2e = process.argv.includes("--e2e");
  const given = process.argv.indexOf("--out");
  const usual = join(HERE, isE2e ? "dist-e2e" : "dist");
  const out = given < 0 ? usual : resolve(process.argv[given + 1]);
  const manifest = await buildInto(out, { isE2e });
  if (!isE2e) {
    const zip = zipOf(out);
    const name = `ecomind-extension-${manifest.version}.zip`;
    writeFileSync(join(HERE, name), zip);
    console.log(`${relative(process.cwd(), out)}, ${name}: ${zip.length} bytes`);
  }
}
