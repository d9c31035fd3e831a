import { hash } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '#base/clock'
import type { LinkType } from './crew/placing.ts'
import { openHashCache } from './hash-cache.ts'
import { openObjectFolder } from './objects.ts'
import { openWorkspace } from './workspace.ts'

const FILES = 600

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'orrery-staging-'))
  mkdirSync(join(root, '.dvc', 'tmp'), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const objects = () => join(root, '.dvc', 'cache', 'files', 'md5')
const pathOf = (file: number) => join(root, 'data', `part-${file % 7}`, `${file}.txt`)
/** Each third file has the bytes of another, and some have none. */
const textOf = (file: number) => (file % 50 === 0 ? '' : `text ${Math.floor(file / 3)}`)

function filled(): void {
  for (let file = 0; file < FILES; file++) {
    mkdirSync(join(pathOf(file), '..'), { recursive: true })
    writeFileSync(pathOf(file), textOf(file))
  }
}

function filledAnew(): void {
  rmSync(join(root, 'data'), { recursive: true })
  filled()
}

function workspace(link: LinkType, onStep?: () => void) {
  const trees = { print: JSON.stringify, read: (text: string) => JSON.parse(text) as [] }
  return openWorkspace({
    root,
    hashes: openHashCache(join(root, '.dvc', 'tmp', 'hashes')),
    trees,
    clock: systemClock,
    rulesIn: () => Object.assign(() => false, { plain: true }),
    cache: openObjectFolder({ folder: join(root, '.dvc', 'cache'), trees }),
    links: [link],
    onStep,
  })
}

/** All that lies in the cache, by its path in it. */
function lying(): string[] {
  return readdirSync(join(root, '.dvc', 'cache'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

describe.each(['copy', 'hardlink'] as const)('many files taken at once, by %s', (link) => {
  test('become one object for all that have the same bytes, and nothing else', async () => {
    filled()
    const measured = await workspace(link).take('data')
    expect(measured?.content.files).toBe(FILES)
    const texts = new Set(Array.from({ length: FILES }, (_, file) => textOf(file)))
    const wanted = [...texts].map((text) => join(objects(), objectName(hash('md5', text))))
    const list = join(objects(), objectName(measured?.content.md5 ?? ''))
    expect(lying().toSorted()).toEqual([...wanted, list].toSorted())
    for (const place of wanted) expect(statSync(place).mode & 0o777).toBe(0o444)
    for (const text of texts)
      expect(readFileSync(join(objects(), objectName(hash('md5', text))), 'utf8')).toBe(text)
    expect((await workspace(link).measure('data'))?.content).toEqual(measured?.content)
    const shared = statSync(pathOf(1)).ino === statSync(pathOf(2)).ino
    expect(shared).toBe(link === 'hardlink')
  })

  test('leave no copy behind when one of them changes meanwhile', async () => {
    filled()
    // The first of them are told of while others have not been looked at.
    let told = 0
    const onStep = () => (told++ === 0 ? filledAnew() : undefined)
    const taking = workspace(link, onStep).take('data')
    await expect(taking).rejects.toThrow('changed while it was read')
    expect(lying().filter((path) => /\/\.[^/]*-\d+$/.test(path))).toEqual([])
  })

  test('leave no copy behind when one cannot be made, and say which', async () => {
    filled()
    const shelf = join(objects(), hash('md5', textOf(FILES - 1)).slice(0, 2))
    mkdirSync(objects(), { recursive: true })
    writeFileSync(shelf, 'no folder')
    await expect(workspace(link).take('data')).rejects.toThrow(
      /data\/part-\d\/\d+\.txt could not be copied into the cache: /,
    )
    expect(lying().filter((path) => /\/\.[^/]*-\d+$/.test(path))).toEqual([])
    expect(readFileSync(shelf, 'utf8')).toBe('no folder')
  })
})

function objectName(md5: string): string {
  return join(md5.slice(0, 2), md5.slice(2))
}
