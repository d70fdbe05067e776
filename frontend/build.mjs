// Builds everything the browser needs into dist/, which Django serves as static files.
// Sources are ours or come from npm; nothing is fetched when a page is shown.
import { build, context } from "esbuild";
import { spawn } from "node:child_process";
import { cp, mkdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, "dist");
const watching = process.argv.includes("--watch");
const require = createRequire(import.meta.url);

const NEWSREADER = join(here, "node_modules", "@fontsource-variable", "newsreader");

// Licence texts travel with the built files, as the OFL and the MIT licence ask.
const LICENCES = {
  "newsreader.txt": join(NEWSREADER, "LICENSE"),
  "abcjs.txt": join(here, "node_modules", "abcjs", "LICENSE.md"),
  "daisyui.txt": join(here, "node_modules", "daisyui", "LICENSE"),
  "tailwindcss.txt": join(here, "node_modules", "tailwindcss", "LICENSE"),
};

async function copyFiles() {
  await mkdir(join(dist, "fonts"), { recursive: true });
  await mkdir(join(dist, "licences"), { recursive: true });
  await cp(join(here, "static"), dist, { recursive: true });
  for (const style of ["normal", "italic"]) {
    const name = `newsreader-latin-wght-${style}.woff2`;
    await cp(join(NEWSREADER, "files", name), join(dist, "fonts", name));
  }
  for (const [name, source] of Object.entries(LICENCES)) {
    await cp(source, join(dist, "licences", name));
  }
}

function buildStyles() {
  const entry = require.resolve("@tailwindcss/cli/package.json");
  const cli = join(dirname(entry), require(entry).bin.tailwindcss);
  const options = ["--input", "css/pinakes.css", "--output", "dist/pinakes.css", "--minify"];
  if (watching) options.push("--watch");
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...options], { cwd: here, stdio: "inherit" });
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`tailwindcss ended with status ${code}`)),
    );
  });
}

// abcjs sets styles as attributes, which our policy forbids in markup and in scripts alike; the
// same through the style's own object is allowed.
const allowedStyles = {
  name: "allowed-styles",
  setup(builder) {
    builder.onLoad({ filter: /node_modules[\\/]abcjs[\\/]src[\\/].*\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      // This rule is for notes that are dragged about, which ours are not.
      const dragging = /^\s*renderer\.paper\.insertStyles\(.*\);$/m;
      const forbidden = /\.setAttribute\(\s*["']style["']\s*,\s*(.*)\);?$/gm;
      const contents = source.replace(dragging, "").replace(forbidden, ".style.cssText = $1;");
      return { contents, loader: "js" };
    });
  },
};

const scripts = {
  absWorkingDir: here,
  // Scores are large and rare: they are loaded only where there is a tune.
  entryPoints: ["js/pinakes.js", "js/score.js"],
  outdir: "dist",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: !watching,
  legalComments: "external",
  plugins: [allowedStyles],
};

await rm(dist, { recursive: true, force: true });
await copyFiles();
if (watching) {
  await (await context(scripts)).watch();
  await buildStyles();
} else {
  await Promise.all([build(scripts), buildStyles()]);
}
