import { hash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openChecked } from './checked.ts'
import { checkedIn, isAsChecked } from './crew/checked.ts'
import { LOOK_NUMBERS, noteLook } from './crew/looking.ts'

let top = ''
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'orrery-checked-'))
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

const notes = () => join(top, 'notes', 'checked')
const md5Of = (number: number) => hash('md5', `bytes of ${number}`)
const pathOf = (number: number) => join(top, `object-${number}`)

function put(number: number): number {
  writeFileSync(pathOf(number), `bytes of ${number}`, { mode: 0o444 })
  return number
}

function learn(numbers: readonly number[]): void {
  const looks = new Float64Array(numbers.length * LOOK_NUMBERS)
  for (const [at, number] of numbers.entries()) noteLook(statSync(pathOf(number)), looks, at)
  openChecked(notes()).learn(numbers.map(md5Of), looks)
}

function isKnown(number: number): boolean {
  const list = checkedIn(openChecked(notes()).known())
  return isAsChecked(list, md5Of(number), statSync(pathOf(number)))
}

test('objects are known again, those that were learnt later as well', () => {
  const numbers = Array.from({ length: 1000 }, (_, number) => put(number))
  learn(numbers.slice(0, 400))
  learn(numbers.slice(300, 900))
  expect(numbers.filter((number) => !isKnown(number))).toEqual(numbers.slice(900))
  expect(checkedIn(openChecked(notes()).known()).count).toBe(900)
})

test('those that are forgotten are known no more, and all others are', () => {
  const numbers = Array.from({ length: 100 }, (_, number) => put(number))
  learn(numbers)
  const gone = numbers.filter((number) => number % 3 === 0)
  openChecked(notes()).forget(new Set(gone.map(md5Of)))
  expect(numbers.filter((number) => !isKnown(number))).toEqual(gone)
  expect(openChecked(notes()).names()).toHaveLength(66)
})

describe('an object is not believed any more', () => {
  beforeEach(() => learn([put(1), put(2)]))

  test.each([
    ['that was written to', () => writeFileSync(pathOf(1), 'bytes of 2')],
    ['that was put there anew', () => renameSync(pathOf(2), pathOf(1))],
    ['whose time was set', () => utimesSync(pathOf(1), new Date(0), new Date(0))],
    ['that may be written to', () => chmodSync(pathOf(1), 0o644)],
  ])('%s', (_, act) => {
    expect(isKnown(1)).toBe(true)
    chmodSync(pathOf(1), 0o644)
    const before = statSync(pathOf(1))
    act()
    // Only what the act itself did tells.
    if (_ !== 'that may be written to') chmodSync(pathOf(1), 0o444)
    expect(statSync(pathOf(1)).size).toBe(before.size)
    expect(isKnown(1)).toBe(false)
  })

  test('unless it was linked only', () => {
    renameSync(pathOf(1), pathOf(3))
    renameSync(pathOf(3), pathOf(1))
    expect(isKnown(1)).toBe(true)
  })

  test('if the notes are torn', () => {
    writeFileSync(notes(), 'torn')
    expect(isKnown(1)).toBe(false)
    learn([2])
    expect([isKnown(1), isKnown(2)]).toEqual([false, true])
  })
})

test('what is learnt of an object later holds', () => {
  learn([put(1)])
  rmSync(pathOf(1))
  put(4)
  learn([put(1)])
  expect(isKnown(1)).toBe(true)
  expect(checkedIn(openChecked(notes()).known()).count).toBe(1)
})

test('few among many are not worth to write all down anew', () => {
  learn(Array.from({ length: 1000 }, (_, number) => put(number)))
  const { mtimeNs } = statSync(notes(), { bigint: true })
  learn([put(1001)])
  expect([isKnown(1), isKnown(1001)]).toEqual([true, false])
  expect(statSync(notes(), { bigint: true }).mtimeNs).toBe(mtimeNs)
  learn([put(1001), put(1002), put(1003)])
  expect([isKnown(1), isKnown(1001)]).toEqual([true, true])
})

test('nothing is written where nothing is learnt', () => {
  learn([])
  expect(existsSync(notes())).toBe(false)
})
