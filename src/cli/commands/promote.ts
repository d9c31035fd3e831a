import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownPromotion {
  id: string
  model: string
  version: number
  alias: string
  replaced: number | null
  state: 'checking' | 'accepted' | 'refused'
  checks: { check: string; passed: boolean; reason: string }[]
}

export const promote = command({
  command: 'promote <candidate> <alias>',
  describe:
    'Point an alias at a model version, if its checks pass: promote flights-late:2 champion',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('candidate', { type: 'string', demandOption: true, describe: 'MODEL:VERSION' })
      .positional('alias', { type: 'string', demandOption: true })
      .option('wait', { type: 'boolean', default: true, describe: 'Wait for the decision' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const asked = await api.post<ShownPromotion>('/promotions', {
      ...modelAndVersion(flags.candidate),
      alias: flags.alias,
    })
    const shown = flags.wait ? await decided(api, asked) : asked
    process.stdout.write(flags.json === true ? `${JSON.stringify(shown)}\n` : words(shown))
    if (shown.state === 'refused') process.exitCode = 1
  },
})

/** `flights-late:2` or `flights-late/2`. */
export function modelAndVersion(text: string): { model: string; version: number } {
  const [, model, version] = /^(?:models:\/)?(.+)[:/](\d+)$/.exec(text) ?? []
  if (model === undefined || version === undefined)
    throw new Problem(
      'invalid',
      `${JSON.stringify(text)} names no model version; write it as flights-late:2`,
    )
  return { model, version: Number(version) }
}

async function decided(api: ApiClient, asked: ShownPromotion): Promise<ShownPromotion> {
  let shown = asked
  while (shown.state === 'checking') {
    await sleep(200)
    shown = await api.get<ShownPromotion>(`/promotions/${shown.id}`)
  }
  return shown
}

function words(shown: ShownPromotion): string {
  const verdict = {
    checking: 'is being checked for',
    accepted: 'is now',
    refused: 'was refused as',
  }[shown.state]
  const lines = shown.checks.map(
    (check) => `  ${check.passed ? 'passed' : 'FAILED'}  ${check.check}: ${check.reason}`,
  )
  return [
    `${shown.model}:${shown.version} ${verdict} ${shown.alias} (promotion ${shown.id})`,
    ...lines,
    '',
  ].join('\n')
}
