import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { root, workshop } from './places.mjs'
import { run, step, systemPath } from './step.mjs'

const modules = join(root, 'node_modules')
const lock = join(root, 'package-lock.json')
const stamp = join(modules, '.orrery-installed')

/** Whether node_modules holds what package-lock.json says: by the stamp's digest, or package by package. */
export function packagesAreInstalled() {
  if (textOf(stamp)?.split(' ')[0] === lockDigest()) return true
  const wanted = packagesIn(lock)
  const present = packagesIn(join(modules, '.package-lock.json'))
  if (wanted === undefined || present === undefined) return false
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true
    const found = present[path]
    return found === undefined ? optional || devOptional : found.version === version
  })
}

/** Brings node_modules up to date with package-lock.json. Instant when it already is. */
export async function installPackages() {
  if (packagesAreInstalled()) return remember()
  await withLock('packages', async () => {
    if (packagesAreInstalled()) return
    await step('packages from package-lock.json', async () => {
      await keepingCache(() =>
        // No package here needs its install script, and one of them asks a server that may be out of reach.
        run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
          env: { ...process.env, PATH: systemPath() },
          remedy: 'see that npm reaches its registry (`npm ping`), then run the same command again',
        }),
      )
    })
  })
  await remember()
}

/** The digest of the lock that is installed, and by what the next start knows that file without reading it. */
export async function remember() {
  const { size, mtimeMs } = statSync(lock)
  const known = `${lockDigest()} ${size} ${mtimeMs}`
  if (textOf(stamp) !== known) await writeFile(stamp, known)
}

// `npm ci` empties node_modules, and the test Python in its cache takes a minute to make again.
async function keepingCache(install) {
  const inside = join(modules, '.cache')
  const aside = join(workshop, 'kept-cache')
  if (existsSync(inside)) {
    await rm(aside, { recursive: true, force: true })
    await rename(inside, aside)
  }
  try {
    await install()
  } finally {
    if (existsSync(aside)) {
      await mkdir(modules, { recursive: true })
      await rename(aside, inside)
    }
  }
}

function lockDigest() {
  return createHash('sha256').update(readFileSync(lock)).digest('hex')
}

function packagesIn(path) {
  const text = textOf(path)
  return text === undefined ? undefined : JSON.parse(text).packages
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
