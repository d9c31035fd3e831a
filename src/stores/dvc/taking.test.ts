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
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ObjectName } from '#data'
import { LOOK_NUMBERS, noteLook, TICK_MS } from './crew/looking.ts'
import { takeAll, type Taking } from './taking.ts'

let top = ''
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'orrery-taking-'))
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

const shelves = () => join(top, 'files', 'md5')
const pathOf = ({ md5 }: ObjectName) => join(shelves(), md5.slice(0, 2), md5.slice(2))

/** Enough for folders of objects to be made under other names. */
function files(count = 600) {
  return Array.from({ length: count }, (_, index) => {
    const source = join(top, `file-${index}`)
    writeFileSync(source, `bytes of ${index}`)
    return { source, object: { md5: hash('md5', `bytes of ${index}`), legacy: false } }
  })
}

/** What lies in all folders of objects. */
function lying(): string[] {
  return readdirSync(shelves()).flatMap((prefix) =>
    readdirSync(join(shelves(), prefix)).map((rest) => prefix + rest),
  )
}

/** Takes files; `beside` is told of each folder that is made. */
function taken(
  some: ReturnType<typeof files>,
  beside: (folder: string) => void = () => {},
  how: Taking = {},
) {
  const makeFolderOf = (path: string) => {
    mkdirSync(dirname(path), { recursive: true })
    beside(dirname(path))
  }
  return takeAll(some, how, { folder: top, pathOf, makeFolderOf })
}

test('many files become objects at once, read-only, and nothing else is left', async () => {
  const some = files()
  const names = some.map(({ object }) => object.md5).toSorted()
  expect(await taken(some)).toEqual({ faults: [] })
  expect(lying().toSorted()).toEqual(names)
  expect(readdirSync(top)).not.toContain('orrery')
  for (const { source, object } of some) {
    expect(readFileSync(pathOf(object), 'utf8')).toBe(readFileSync(source, 'utf8'))
    expect(statSync(pathOf(object)).mode & 0o777).toBe(0o444)
  }
})

test('folders of objects have no name before all that goes into them is copied', async () => {
  await taken(files(), (folder) => expect(basename(folder)).toMatch(/^\./))
  const places = new Set(readdirSync(shelves()))
  const more = files(1200).slice(600)
  await taken(more, (folder) =>
    expect(places.has(basename(folder)) !== basename(folder).startsWith('.')).toBe(true),
  )
  expect(lying()).toHaveLength(1200)
})

test('what somebody else puts into a folder meanwhile stays beside the new objects', async () => {
  const some = files()
  const prefix = some[0]?.object.md5.slice(0, 2) ?? ''
  const other = join(shelves(), prefix, 'f'.repeat(30))
  await taken(some, () => {
    mkdirSync(dirname(other), { recursive: true })
    writeFileSync(other, 'of somebody else')
  })
  expect(readFileSync(other, 'utf8')).toBe('of somebody else')
  const names = some.map(({ object }) => object.md5)
  expect(lying().toSorted()).toEqual([...names, prefix + 'f'.repeat(30)].toSorted())
})

test('those that have other bytes stay out, alone in their folder or not', async () => {
  const some = files()
  const wrong = [3, 500, ...some.keys()].filter(
    (index, at) => at < 2 || some[index]?.object.md5.startsWith('00') === true,
  )
  for (const index of wrong) writeFileSync(some[index]?.source ?? '', 'else')
  const { faults } = await taken(some)
  const told = faults.map(({ index, what }) => `${index} ${what}`).toSorted()
  expect(told).toEqual([...new Set(wrong)].map((index) => `${index} other bytes`).toSorted())
  expect(lying()).toHaveLength(some.length - new Set(wrong).size)
})

describe.each([10, 600])('%i files that were hashed', (count) => {
  /** How they look, and when they cannot be written to any more without looking otherwise. */
  function hashed(some: ReturnType<typeof files>) {
    const looks = new Float64Array(some.length * LOOK_NUMBERS)
    for (const [index, { source }] of some.entries()) noteLook(statSync(source), looks, index)
    return { looks, settledMs: Date.now() + 60_000 }
  }

  test('are copied as they look, without being hashed again where nobody can have written to them', async () => {
    const [one, other, ...some] = files(count)
    if (one === undefined || other === undefined) throw new Error('there are too few')
    const swapped = [{ source: one.source, object: other.object }, ...some]
    const how = hashed(swapped)
    const asTheyWere = { ...how, settledMs: 0 }
    expect((await taken(swapped, undefined, asTheyWere)).faults).toMatchObject([
      { index: 0, what: 'other bytes' },
    ])
    expect(await taken(swapped, undefined, how)).toEqual({ faults: [] })
    expect(readFileSync(pathOf(other.object), 'utf8')).toBe('bytes of 0')
  })

  test('stay out if they were written to since', async () => {
    const some = files(count)
    const how = hashed(some)
    await sleep(TICK_MS)
    writeFileSync(some[3]?.source ?? '', 'bytes of 4')
    writeFileSync(some[4]?.source ?? '', 'more bytes than there were')
    writeFileSync(some[5]?.source ?? '', '')
    const { faults } = await taken(some, undefined, how)
    expect(faults.map(({ index, what }) => `${index} ${what}`).toSorted()).toEqual([
      '3 changed',
      '4 changed',
      '5 changed',
    ])
    expect(lying()).toHaveLength(count - 3)
  })
})
