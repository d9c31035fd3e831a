import { execFileSync } from 'node:child_process'
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { orrery } from '../conformance/dvc/story.ts'
import { chromiumPath, openBrowser, openPage, violationsOn } from '../support/browser.ts'

let top: string

beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'orrery-plots-'))
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd: top })
  write('.dvc/config', '')
  write('loss.csv', `step,loss\n1,0.5\n2,0.25\n${HOSTILE},1\n`)
  write('classes.csv', 'actual,predicted\ncat,dog\ncat,cat\n')
  write(
    'picture.svg',
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)" width="9" height="9"/>',
  )
  write('.dvc/plots/reaching.json', JSON.stringify(REACHING))
  write('dvc.yaml', PIPELINE)
})
afterAll(() => rmSync(top, { recursive: true, force: true }))

const HOSTILE = '</script><script>window.taken = true</script>'

/** A spec that asks for what is elsewhere, and for a page that runs code. */
const REACHING = {
  layer: [
    { data: { url: 'http://127.0.0.1:9/secret.csv' }, mark: 'point', encoding: {} },
    {
      data: { values: '<DVC_METRIC_DATA>' },
      mark: { type: 'point', href: 'javascript:window.taken = true' },
      encoding: { x: { field: 'step' }, y: { field: 'loss' } },
    },
  ],
  usermeta: { embedOptions: { patch: 'http://127.0.0.1:9/patch.json' } },
}

const PIPELINE = `plots:
- loss.csv: {x: step, y: loss, title: '${HOSTILE}<img src=x onerror="window.taken = true">'}
- classes.csv: {x: actual, y: predicted, template: confusion}
- picture.svg
- '<b onclick="x">': {x: {loss.csv: step}, y: {loss.csv: loss}, template: reaching}
`

function write(path: string, text: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true })
  writeFileSync(join(top, path), text)
}

async function page(...words: string[]): Promise<string> {
  const { ok, output } = await orrery(top, ['plots', 'show', '--html', '-o', 'out', ...words])
  expect(output).toContain(pathToFileURL(join(top, 'out', 'index.html')).href)
  expect(ok).toBe(true)
  return join(top, 'out', 'index.html')
}

describe.skipIf(chromiumPath === undefined)(
  'the page of plots in Chromium (ORRERY_TEST_CHROMIUM)',
  () => {
    let browser: Browser
    beforeAll(async () => {
      browser = await openBrowser()
    })
    afterAll(() => browser.close())

    test('every plot is drawn, and nothing that a project says runs or reaches out', async () => {
      const file = pathToFileURL(await page()).href
      const { page: shown, requests } = await openPage(browser, file, { ready: { role: 'main' } })
      await shown.locator('section').nth(1).locator('svg.marks').waitFor()
      await shown.locator('section').nth(0).locator('svg.marks').waitFor()
      expect(await shown.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
        'loss.csv',
        'classes.csv',
        'picture.svg',
        '<b onclick="x">',
      ])
      const picture = shown.getByRole('img', { name: 'picture.svg of workspace' })
      const width = await picture.evaluate((image) => Reflect.get(image, 'naturalWidth') as unknown)
      expect(width).toBe(9)
      expect(await shown.evaluate(() => 'taken' in globalThis)).toBe(false)
      expect(requests.filter((url) => !/^(?:data|blob):/.test(url))).toEqual([file])
      expect(await violationsOn(shown)).toEqual([])
    })
  },
)

test('a page of one’s own takes the plots where it says', async () => {
  write('own.html', '<p>mine</p>{plot_divs}')
  const text = readFileSync(await page('--html-template', 'own.html', 'loss.csv'), 'utf8')
  expect(text).toMatch(/^<p>mine<\/p><section>/)
})

test('a template of a dvc.yaml lies in its project', async () => {
  const secret = join(dirname(top), `${top.slice(top.lastIndexOf('/') + 1)}.json`)
  writeFileSync(secret, '{"secret": "<DVC_METRIC_DATA>"}')
  write(
    'far/dvc.yaml',
    `plots: [{a.csv: {template: ../../${secret.slice(secret.lastIndexOf('/') + 1)}}}]\n`,
  )
  write('far/a.csv', 'a\n1\n')
  try {
    const { ok, output } = await orrery(join(top, 'far'), ['plots', 'show', 'a.csv', '--json'])
    expect(output).toContain('lies outside of the project')
    expect(ok).toBe(false)
  } finally {
    rmSync(secret)
    rmSync(join(top, 'far'), { recursive: true })
  }
})

test('without a commit there is nothing to compare, and without Git that is said', async () => {
  const none = await orrery(top, ['plots', 'diff', '--json'])
  expect(none).toMatchObject({ ok: true, output: '{}\n' })
  const bare = mkdtempSync(join(tmpdir(), 'orrery-plots-bare-'))
  mkdirSync(join(bare, '.dvc'))
  writeFileSync(join(bare, '.dvc/config'), '[core]\n    no_scm = true\n')
  try {
    const { ok, output } = await orrery(bare, ['plots', 'diff'])
    expect(output).toContain('has no Git repository')
    expect(ok).toBe(false)
  } finally {
    rmSync(bare, { recursive: true })
  }
})

test('a plot outside of the project is not read', async () => {
  write('dvc.yaml', 'plots: [../../../../../../etc/hostname]\n')
  const { output } = await orrery(top, ['plots', 'show', '--json'])
  expect(output).toContain('is outside the project')
  write('dvc.yaml', PIPELINE)
})
