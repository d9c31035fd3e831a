import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'

/** The program's own files and the packages that a part of it needs to run. */
export interface Closure {
  /** Paths of files, all below `root`. */
  readonly files: readonly string[]
  /** Folders of packages, wherever they lie. */
  readonly packages: readonly string[]
}

const CODE = /\.[jt]s$/
/** A built program names the files beside a module, or the folder that they are in. */
const PLACE = /\bimport\.meta\.dirname ?\+ ?["'`]([^"'`$\n]+)["'`]/g
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*["'`]([^"'`$\n]+)["'`]/g

/**
 * All that is reached from the entries by imports, with what lies beside a module and is no code, within the
 * folder that has the program's package.json. Types are followed too, which costs some files and no correctness.
 */
export function closureOf(root: string, entries: readonly string[]): Closure {
  const doors = doorsIn(root)
  const files = new Set<string>([join(root, 'package.json')])
  const packages = new Set<string>()
  const waiting = entries.map((entry) => resolve(root, entry))
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue
    files.add(file)
    if (!CODE.test(file)) continue
    waiting.push(...assetsIn(dirname(file)))
    const text = readFileSync(file, 'utf8')
    for (const [, place = ''] of text.matchAll(PLACE))
      waiting.push(...assetsAt(join(dirname(file), place)))
    for (const named of namedIn(text, file)) {
      if (named.startsWith('node:')) continue
      const own = named.startsWith('#') ? throughDoor(named, doors) : named
      if (own.startsWith('.') || own.startsWith('/')) waiting.push(resolve(dirname(file), own))
      else addPackage(packages, own, file)
    }
  }
  return { files: [...files].toSorted(), packages: [...packages].toSorted() }
}

function namedIn(text: string, file: string): string[] {
  const isThere = (named: string) => existsSync(resolve(dirname(file), named))
  return [...text.matchAll(IMPORT)]
    .map(([, named = '']) => named)
    .filter((named) => !named.startsWith('.') || isThere(named))
}

function assetsAt(place: string): string[] {
  return existsSync(place) && statSync(place).isFile() ? [place] : assetsIn(place)
}

/** What the modules of a folder may read at run time. */
function assetsIn(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:[cm]?[jt]s|md|map)$/.test(entry.name))
    .map((entry) => join(folder, entry.name))
}

type Doors = readonly { prefix: string; suffix: string; target: string }[]

/** The names that start with `#`, most exact first. */
function doorsIn(root: string): Doors {
  const { imports = {} } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    imports?: Record<string, string>
  }
  return Object.entries(imports)
    .map(([name, target]) => {
      const [prefix = '', suffix = ''] = name.split('*')
      return { prefix, suffix, target: join(root, target) }
    })
    .toSorted((one, other) => other.prefix.length - one.prefix.length)
}

function throughDoor(named: string, doors: Doors): string {
  const door = doors.find(({ prefix }) => named.startsWith(prefix))
  if (door === undefined) throw new Error(`no door leads to ${named}`)
  return door.target.replace('*', named.slice(door.prefix.length))
}

/** Adds a package and all that it depends on, as Node would find them from where they are asked for. */
function addPackage(packages: Set<string>, specifier: string, from: string): void {
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const places = createRequire(from).resolve.paths(name) ?? []
  const folder = places.map((place) => join(place, name)).find((place) => existsSync(place))
  // What is not installed is optional; what is needed and missing has kept the program from starting.
  if (folder === undefined || packages.has(folder)) return
  packages.add(folder)
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'optionalDependencies' | 'peerDependencies',
    Record<string, string> | undefined
  >
  const needed = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  }
  for (const each of Object.keys(needed)) addPackage(packages, each, join(folder, 'package.json'))
}

/**
 * Where a package goes in an image, seen from the program's place: where it lies below it, or in a `node_modules` beside
 * it as in the one that holds the program itself.
 */
export function placeOfPackage(root: string, folder: string): string {
  const below = relative(root, folder)
  if (!below.startsWith('..')) return below
  return relative(dirname(dirname(resolve(root))), folder)
}
