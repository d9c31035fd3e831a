import { expect, test } from 'vitest'
import {
  chromiumPath,
  keepPicture,
  openBrowser,
  openPage,
  violationsOn,
} from '../support/browser.ts'
import { runCommand } from '../support/command.ts'
import { projectOf, rolloutsAt } from '../support/rollouts.ts'
import { startTestServer } from '../support/server.ts'

test.skipIf(chromiumPath === undefined)(
  'an endpoint says on its page and to the command line what an experiment has earned (ORRERY_TEST_CHROMIUM)',
  async () => {
    const project = await projectOf(`project: loops
endpoints:
  loops:
    model: models:/loops/1
    traffic: { models:/loops/1: 50, models:/loops/2: 50 }
    experiment: { by: thompson, every: 1s, epsilon: 0.1 }
`)
    const server = await startTestServer()
    const browser = await openBrowser()
    try {
      const person = rolloutsAt(() => server.url)
      await person.createModel()
      await person.register('loop.onnx')
      await person.register('loop-wrong.onnx')
      await person.ask('POST', '/api/v1/projects', { origin: project.origin })
      await person.serves()
      const url = `${server.url}/endpoints/loops`
      const { page } = await openPage(browser, url, { ready: { role: 'main' }, theme: 'light' })
      const rows = page.locator('#experiment tbody tr')
      await page.getByText('too few rewards').first().waitFor()

      for (let asked = 0; asked < 60; asked++) {
        const answer = await fetch(`${url}/invocations`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{"inputs":{"rounds":[5]}}',
        })
        const reward = answer.headers.get('x-model-version') === 'loops/1' ? 1 : 0
        await person.ask('POST', '/endpoints/loops/feedback', {
          id: answer.headers.get('x-prediction-id'),
          reward,
        })
      }
      await rows.filter({ hasText: 'loops/1' }).getByText('95').first().waitFor()
      const texts = await rows.allInnerTexts()
      expect(texts.find((text) => text.includes('loops/1'))).toContain('\t1.000\t')
      expect(texts.find((text) => text.includes('loops/2'))).toContain('\t0.000\t')
      expect(await violationsOn(page)).toEqual([])
      await keepPicture(page, 'experiment')

      const { out } = await runCommand(server.home, ['endpoint', 'show', 'loops'], {
        ORRERY_URL: server.url,
      })
      expect(out).toContain('experiment (thompson), by the rewards told since')
      expect(out).toMatch(/^1 +95 % +\d+ +1 +100 %$/m)
    } finally {
      await browser.close()
      await server.stop()
      await project.remove()
    }
  },
  90_000,
)
