import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLogFiles } from './index.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'orrery-logs-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const whole = { from: 0, limit: 1_000_000 }

test('what is told twice, or again with more, is there once', async () => {
  const logs = openLogFiles(root)
  const place = { pipelineRun: 'a.1', stage: 'train' }
  await logs.append(place, 0, 'one\n')
  await logs.append(place, 0, 'one\n')
  await logs.append(place, 0, 'one\ntwo\n')
  await logs.append(place, 8, 'three\n')
  expect(await logs.read(place, whole)).toEqual({
    text: 'one\ntwo\nthree\n',
    from: 0,
    next: 14,
    size: 14,
  })
})

test('additions at the same time keep their order', async () => {
  const logs = openLogFiles(root)
  const place = { pipelineRun: 'b.1', stage: 'train' }
  await Promise.all(Array.from({ length: 50 }, (_, at) => logs.append(place, at, 'x')))
  expect(await logs.read(place, whole)).toMatchObject({ text: 'x'.repeat(50), size: 50 })
})

test('pages are of whole characters, wherever the bytes are cut', async () => {
  const logs = openLogFiles(root)
  const place = { pipelineRun: 'c.1', stage: 'models/dvc.yaml:träin' }
  const said = 'aé漢🚀b'.repeat(3)
  await logs.append(place, 0, said)
  for (const limit of [4, 5, 6, 7]) {
    let text = ''
    for (let from = 0; ;) {
      const page = await logs.read(place, { from, limit })
      if (page.text === '') break
      expect(page.from).toBe(from)
      text += page.text
      from = page.next
    }
    expect(text).toBe(said)
  }
})

test('of a stage that prints without end, the beginning and the end are kept', async () => {
  const logs = openLogFiles(root, { segmentBytes: 10, segmentsMax: 3 })
  const place = { pipelineRun: 'd.1', stage: 'loud' }
  for (let at = 0; at < 100; at++) await logs.append(place, at * 10, `line ${at % 10}...\n`)
  const first = await logs.read(place, { from: 0, limit: 1000 })
  expect(first).toMatchObject({ text: 'line 0...\n', from: 0, next: 10, size: 1000 })
  const later = await logs.read(place, { from: 10, limit: 1000 })
  expect(later.from).toBeGreaterThan(900)
  expect(await logs.read(place, { from: 1000, limit: 10 })).toMatchObject({ text: '', next: 1000 })
  const run = (await readdir(root)).find((name) => name.startsWith('d_1')) ?? ''
  const [stage = ''] = await readdir(join(root, run))
  expect((await readdir(join(root, run, stage))).length).toBeLessThanOrEqual(3)
})

test('much that is said at once takes no more room than what is said in lines, and no character is cut', async () => {
  const logs = openLogFiles(root, { segmentBytes: 10, segmentsMax: 3 })
  const place = { pipelineRun: 'd.2', stage: 'loud' }
  for (let at = 0; at < 3; at++) await logs.append(place, at * 70, 'aé漢🚀'.repeat(7))
  const run = (await readdir(root)).find((name) => name.startsWith('d_2')) ?? ''
  const [stage = ''] = await readdir(join(root, run))
  const files = await readdir(join(root, run, stage))
  expect(files).toHaveLength(3)
  for (const file of files) {
    const bytes = await readFile(join(root, run, stage, file))
    expect(bytes.length).toBeLessThanOrEqual(10)
    expect(bytes.toString()).not.toContain('\ufffd')
  }
  expect(await logs.read(place, { from: 0, limit: 1000 })).toMatchObject({ from: 0, size: 210 })
  expect((await logs.read(place, { from: 200, limit: 1000 })).text).toBe('aé漢🚀')
})

test('names that climb out of the folder stay in it, and alike ones stay apart', async () => {
  const logs = openLogFiles(root)
  await logs.append({ pipelineRun: '..', stage: '../../etc/passwd' }, 0, 'x')
  await logs.append({ pipelineRun: '..', stage: '../../etc_passwd' }, 0, 'yy')
  const read = (stage: string) => logs.read({ pipelineRun: '..', stage }, whole)
  expect((await read('../../etc/passwd')).text).toBe('x')
  expect((await read('../../etc_passwd')).text).toBe('yy')
})

test('old logs are swept, young ones stay', async () => {
  const logs = openLogFiles(root)
  const place = { pipelineRun: 'e.1', stage: 'train' }
  await logs.append(place, 0, 'x')
  await logs.sweep(1, Date.now())
  expect((await logs.read(place, whole)).text).toBe('x')
  await logs.sweep(1, Date.now() + 2 * 86_400_000)
  expect((await logs.read(place, whole)).text).toBe('')
})
