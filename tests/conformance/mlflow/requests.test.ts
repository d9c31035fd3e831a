import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { startTestServer } from '../../support/server.ts'
import { mlflowServer } from './mlflow-server.ts'
import { DIFFERENCES } from './requests/differences.ts'
import { answersOf, textOf, type Step } from './requests/step.ts'
import { STORIES } from './requests/stories.ts'

// The same requests, one after the other, to MLflow's own server (once: its answers are kept in told/) and
// to ours: status, error code and every field must agree. ORRERY_TEST_RECORD=1 asks MLflow's anew.

const TOLD = join(import.meta.dirname, 'told')
const undo: (() => Promise<void>)[] = []

vi.setConfig({ testTimeout: 300_000 })

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

test.each(Object.entries(STORIES))(
  'each request is answered as by MLflow itself: %s',
  async (name, steps) => {
    const theirs = await toldByMlflow(name, steps)
    const server = await startTestServer()
    undo.push(server.stop)
    const ours = await answersOf(server.url, steps)
    const wrong = steps.flatMap((step, at) => {
      const difference = DIFFERENCES.find((each) => brief(step).startsWith(each.request))
      const expected = difference === undefined ? theirs[at] : difference.ours
      return textOf(ours[at]) === textOf(expected)
        ? []
        : [{ at, step: brief(step), expected, ours: ours[at] }]
    })
    expect(wrong).toEqual([])
  },
)

test('each difference from MLflow is one', async () => {
  const differing = new Set<string>()
  for (const [name, steps] of Object.entries(STORIES)) {
    const theirs = await toldByMlflow(name, steps)
    for (const [at, step] of steps.entries())
      for (const { request, ours } of DIFFERENCES)
        if (brief(step).startsWith(request) && textOf(theirs[at]) !== textOf(ours))
          differing.add(request)
  }
  expect(DIFFERENCES.filter(({ request }) => !differing.has(request))).toEqual([])
})

async function toldByMlflow(name: string, steps: readonly Step[]): Promise<unknown[]> {
  const path = join(TOLD, `requests-${name}.json`)
  if (process.env['ORRERY_TEST_RECORD'] === '1') {
    const { url, stop } = await mlflowServer()
    undo.push(stop)
    const lines = (await answersOf(url, steps)).map((answer) => JSON.stringify(answer))
    await writeFile(path, `[\n${lines.join(',\n')}\n]\n`)
  }
  return JSON.parse(await readFile(path, 'utf8')) as unknown[]
}

function brief({ method, path, query, body }: Step): string {
  const asked = query === undefined || query === '' ? '' : `?${query}`
  return `${method} ${path}${asked} ${JSON.stringify(body) ?? ''}`
}
