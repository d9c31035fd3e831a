import { hash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Chance } from '../../support/random.ts'

/** Files by their paths in the project. */
export type Tree = ReadonlyMap<string, string>

const FILES = 150
const PLACES = ['data', 'data/deep/er', 'data/é n', 'data/b']

/** A small tree of another kind each time: some files stay, some change, some come and go. */
export function nextTree(before: Tree, chance: Chance): Map<string, string> {
  const tree = new Map([...before].filter(() => chance.next() > 0.1))
  for (const path of tree.keys()) if (chance.next() < 0.2) tree.set(path, bytesOf(chance))
  while (tree.size < FILES)
    tree.set(`${chance.pick(PLACES)}/${chance.word(6)}.bin`, bytesOf(chance))
  tree.set('tool.sh', `#!/bin/sh\n# ${chance.word(8)}\n`)
  tree.set('data/empty', '')
  return tree
}

function bytesOf(chance: Chance): string {
  return chance.word(8).repeat(chance.between(1, 3000))
}

export function writeTree(root: string, tree: Tree): void {
  // What is there may be links into the cache.
  for (const gone of ['data', 'tool.sh']) rmSync(join(root, gone), { recursive: true, force: true })
  for (const [path, text] of tree) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  chmodSync(join(root, 'tool.sh'), 0o755)
}

export function readTree(root: string): Map<string, string> {
  const paths = filesBelow(root, 'data')
  if (existsSync(join(root, 'tool.sh'))) paths.push('tool.sh')
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'latin1')]))
}

/** Objects whose bytes are not their name, by their names. */
export function damagedIn(objects: string): string[] {
  return objectsIn(objects).filter(
    (name) => hash('md5', readFileSync(join(objects, name))) !== nameOf(name).replace('.dir', ''),
  )
}

/** What is named in the lists that are there and is not there itself. */
export function lackingIn(objects: string): string[] {
  const names = new Set(objectsIn(objects).map(nameOf))
  const lists = objectsIn(objects).filter((name) => name.endsWith('.dir'))
  return lists.flatMap((list) =>
    (JSON.parse(readFileSync(join(objects, list), 'utf8')) as { md5: string }[])
      .map(({ md5 }) => md5)
      .filter((md5) => !names.has(md5)),
  )
}

export function objectsIn(objects: string): string[] {
  return filesBelow(objects, '').filter((path) => /^[0-9a-f]{2}\/[0-9a-f]{30}(\.dir)?$/.test(path))
}

/** Files that are neither objects nor known: what a killed process left. */
export function strangersIn(objects: string): string[] {
  return filesBelow(objects, '').filter((path) => !/^[0-9a-f]{2}\/[0-9a-f]{30}(\.dir)?$/.test(path))
}

function nameOf(path: string): string {
  return path.replace('/', '')
}

function filesBelow(root: string, folder: string): string[] {
  const here = join(root, folder)
  if (!existsSync(here)) return []
  return readdirSync(here).flatMap((name) => {
    const path = folder === '' ? name : `${folder}/${name}`
    return statSync(join(root, path)).isDirectory() ? filesBelow(root, path) : [path]
  })
}
