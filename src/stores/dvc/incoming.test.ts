import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openIncoming } from './incoming.ts'

let top = ''
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'orrery-incoming-'))
  mkdirSync(join(top, 'files', 'md5', 'ab'), { recursive: true })
})
afterEach(() => rmSync(top, { recursive: true, force: true }))

const shelf = () => join(top, 'files', 'md5', 'ab')

/** What a process left that ended in the midst: its folder, and a file beside where an object was to be. */
function leftBy(host: string, pid: number): string {
  const token = `01ARZ3NDEKTSV4RRFFQ69G5F${pid % 100}`
  mkdirSync(join(top, 'orrery', 'incoming', [host, pid, '1', token].join('~')), { recursive: true })
  writeFileSync(join(shelf(), `.${token}-0`), 'half')
  mkdirSync(join(dirname(shelf()), `.${token}-cd`))
  writeFileSync(join(dirname(shelf()), `.${token}-cd`, 'ef'), 'whole')
  return `.${token}-0`
}

test('what a process left that is gone is swept away, objects stay', () => {
  leftBy(encodeURIComponent(hostname()), 2 ** 30)
  writeFileSync(join(shelf(), 'cdef'), 'whole')
  openIncoming(top).remove()
  expect(readdirSync(shelf())).toEqual(['cdef'])
  expect(readdirSync(dirname(shelf()))).toEqual(['ab'])
  expect(existsSync(join(top, 'orrery'))).toBe(false)
})

test('what others may still be writing stays', () => {
  const elsewhere = leftBy('another-machine', 2 ** 30)
  const one = openIncoming(top)
  const path = join(shelf(), `${one.mark}7`)
  writeFileSync(path, 'half')
  openIncoming(top).remove()
  expect(readdirSync(shelf()).toSorted()).toEqual([elsewhere, basename(path)].toSorted())
  expect(existsSync(one.folder)).toBe(true)
})
