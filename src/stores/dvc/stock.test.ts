import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStock } from './stock.ts'

let top = ''
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'orrery-stock-'))
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

/** Long after all that the tests write, so that what was seen is trusted. */
const clock = { nowMs: () => Date.now() + 60_000 }
const nameOf = (number: number) => number.toString(16).padStart(4, '0').padEnd(32, '5')
const stock = () => openStock({ folder: join(top, 'md5'), notes: join(top, 'notes'), clock })

function put(md5: string, mode = 0o444): string {
  const folder = join(top, 'md5', md5.slice(0, 2))
  mkdirSync(folder, { recursive: true })
  const path = join(folder, md5.slice(2))
  writeFileSync(path, '', { mode })
  return path
}

test('what is not there is missing, and what may be written to is doubtful', async () => {
  put(nameOf(1))
  put(nameOf(2), 0o644)
  const found = await stock().lookFor([nameOf(1), nameOf(2), nameOf(3), nameOf(0xff00)])
  expect(found).toEqual({ missing: [nameOf(3), nameOf(0xff00)], doubtful: [nameOf(2)] })
})

test('a remembered listing sees what came and what went since', async () => {
  const names = Array.from({ length: 1500 }, (_, number) => nameOf(number))
  const paths = names.map((name) => put(name))
  expect(await stock().lookFor(names)).toEqual({ missing: [], doubtful: [] })
  rmSync(paths[700] ?? '')
  put(nameOf(5000))
  const wanted = [...names, nameOf(5000)]
  expect(await stock().lookFor(wanted)).toEqual({ missing: [names[700]], doubtful: [] })
  const members = (some: readonly string[]) => Buffer.from(some.toSorted().join(''), 'hex')
  expect(await stock().hasAll(members(wanted))).toBe(false)
  expect(await stock().hasAll(members(wanted.filter((name) => name !== names[700])))).toBe(true)
})

test('what was checked as it was put there is not doubtful, as long as it is there', async () => {
  const names = Array.from({ length: 1500 }, (_, number) => nameOf(number))
  const paths = names.map((name) => put(name, 0o644))
  stock().learn(names.slice(0, 1400))
  rmSync(paths[700] ?? '')
  const wanted = [names[1], names[700], names[1450]].map(String)
  expect(await stock().lookFor(wanted)).toEqual({ missing: [names[700]], doubtful: [names[1450]] })
})

test('torn notes are not believed', async () => {
  const names = Array.from({ length: 1500 }, (_, number) => nameOf(number))
  for (const name of names) put(name)
  await stock().lookFor(names)
  writeFileSync(join(top, 'notes'), 'torn')
  expect(await stock().lookFor([...names, nameOf(9000)])).toEqual({
    missing: [nameOf(9000)],
    doubtful: [],
  })
})
