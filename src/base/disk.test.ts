import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { diskProblem, makeFolder } from './disk.ts'

function refused(code: string, paths: { path?: string; dest?: string }): Error {
  return Object.assign(new Error(`${code}: as the system says it`), { code, ...paths })
}

test('what a disk refuses is told with the path, and what to do', () => {
  expect(diskProblem(refused('EROFS', { path: '/a' }))).toMatchObject({
    code: 'forbidden',
    message: '/a cannot be written to: its file system is read-only (EROFS)',
  })
  const full = diskProblem(refused('ENOSPC', { path: '/from', dest: '/to' }))
  expect(full).toMatchObject({ code: 'full', message: expect.stringMatching(/^\/to has no room/) })
  const shut = diskProblem(refused('EACCES', { path: '/from', dest: '/to' }))
  expect(shut?.message).toMatch(/^\/from is not open to this user/)
  expect(diskProblem(refused('ENOENT', { path: '/a' }))).toBeUndefined()
  expect(diskProblem('full')).toBeUndefined()
})

test('a folder is made with those above it, and why it could not be is what the system said', () => {
  const top = mkdtempSync(join(tmpdir(), 'orrery-disk-'))
  try {
    makeFolder(join(top, 'a/b/c'))
    writeFileSync(join(top, 'a/b/c/file'), '')
    expect(() => makeFolder(join(top, 'a/b/c/file/d'))).toThrow(/ENOTDIR/)
  } finally {
    rmSync(top, { recursive: true })
  }
})
