import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { withLock } from './lock.mjs'
import { findNode } from './node.mjs'
import { cache, root } from './places.mjs'
import { sourcesDigest } from './sources.mjs'
import { run, step } from './step.mjs'

const dist = join(root, 'dist')
const stamp = join(cache, 'dist-built-from')

/** Where Orrery serves models; the other binaries in onnxruntime-node stay behind. */
const ONNX_PLATFORMS = ['linux/x64', 'linux/arm64', 'darwin/arm64']

/** Builds the program into dist when its sources changed since the last time: somebody may be running what is there. */
export async function buildDist() {
  await withLock('dist', async () => {
    const digest = await digestNow()
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest && isWhole()) return
    await rm(stamp, { force: true })
    await step('dist', build)
    await mkdir(dirname(stamp), { recursive: true })
    await writeFile(stamp, digest)
  })
}

function isWhole() {
  return existsSync(join(dist, 'cli', 'main.js')) && existsSync(join(dist, 'node_modules'))
}

function digestNow() {
  return sourcesDigest({
    files: [
      'package.json',
      'package-lock.json',
      'scripts/bundle.mjs',
      'scripts/steps/dist.mjs',
    ].map((name) => join(root, name)),
    folders: [join(root, 'src'), join(root, 'scripts', 'licenses')],
  })
}

async function build() {
  await rm(dist, { recursive: true, force: true })
  await mkdir(dist, { recursive: true })
  await run(findNode(), [join(root, 'scripts', 'bundle.mjs')])
  await writeManifest()
  await copyAssets()
  await shipOnnxRuntime()
}

// What makes dist a program of its own, which an image holds without the package around it.
async function writeManifest() {
  const { name, version } = await readJson(join(root, 'package.json'))
  await writeJson(join(dist, 'package.json'), { name, version, private: true, type: 'module' })
}

// What src reads at run time, at its place.
async function copyAssets() {
  const src = join(root, 'src')
  for (const entry of await readdir(src, { recursive: true, withFileTypes: true })) {
    // Node 18 calls the folder `path`.
    const path = join(entry.parentPath ?? entry.path, entry.name)
    if (!entry.isFile() || /\.(ts|md)$|\/(fixtures|golden)\//.test(path)) continue
    await cp(path, join(dist, path.slice(src.length)))
  }
}

// An installed onnxruntime-node runs a script that downloads CUDA libraries, and the whole installation fails where
// that server is out of reach. Its processor binaries need no script, so they travel inside dist, where Node finds
// them before anything that is installed.
async function shipOnnxRuntime() {
  const modules = join(dist, 'node_modules')
  await ship('onnxruntime-common', ['dist'])
  await ship('onnxruntime-node', ['dist', ...ONNX_PLATFORMS.map((name) => `bin/napi-v6/${name}`)])
  // The same bytes under a second name that nothing opens.
  const twin = 'bin/napi-v6/darwin/arm64/libonnxruntime.1.30.0.dylib'
  await rm(join(modules, 'onnxruntime-node', twin), { force: true })
}

async function ship(name, paths) {
  const from = join(root, 'node_modules', name)
  const to = join(dist, 'node_modules', name)
  for (const path of paths) {
    await mkdir(dirname(join(to, path)), { recursive: true })
    await cp(join(from, path), join(to, path), {
      recursive: true,
      filter: (file) => !/\.(map|d\.ts)$/.test(file),
    })
  }
  const manifest = await readJson(join(from, 'package.json'))
  const { version, license, main, exports, type } = manifest
  // What else it asks for is only for its script.
  const common = manifest.dependencies?.['onnxruntime-common']
  const dependencies = common === undefined ? {} : { 'onnxruntime-common': common }
  const kept = { name, version, license, main, exports, type, dependencies }
  await writeJson(join(to, 'package.json'), kept)
  await cp(join(root, 'scripts', 'licenses', 'onnxruntime.txt'), join(to, 'LICENSE'))
}

async function readJson(path) {
  return JSON.parse(await readFile(path, 'utf8'))
}

async function writeJson(path, value) {
  await writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`)
}
