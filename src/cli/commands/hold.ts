import { Problem } from '#base/problem'
import type { HoldWire } from '#protocols/api/retention-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { KIND_WORDS, thingsOf, type Word } from '../retention.ts'
import { remoteFlags } from './project.ts'

export const hold = command({
  command: 'hold <action> [subject] [id]',
  describe: 'Hold things so that they are not purged: hold add run ID --reason "case 12"',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', { choices: ['add', 'list', 'remove'] as const, demandOption: true })
      .positional('subject', {
        type: 'string',
        describe: `For add: ${KIND_WORDS.join(', ')}; for remove: the id of the hold`,
      })
      .positional('id', { type: 'string', describe: 'For add: the id of the thing' })
      .option('reason', { type: 'string', describe: 'For add: why it must stay' })
      .option('until', { type: 'string', describe: 'For add: when the hold ends by itself' })
      .option('limit', { type: 'number', default: 50, describe: 'For list: holds on a page' })
      .option('after', {
        type: 'string',
        describe: 'For list: the id that the page before ended with',
      }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const { json, lines } = await act(api, flags)
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`,
    )
  },
})

interface Flags {
  action: 'add' | 'list' | 'remove'
  subject?: string | undefined
  id?: string | undefined
  reason?: string | undefined
  until?: string | undefined
  limit: number
  after?: string | undefined
}

async function act(api: ApiClient, flags: Flags): Promise<{ json: unknown; lines: string[] }> {
  const { action, subject, limit, after } = flags
  if (action === 'list') {
    const page = await api.get<{ holds: HoldWire[]; next: string | null }>('/holds', {
      limit,
      after,
    })
    return {
      json: page,
      lines: [
        ...(page.holds.length === 0 ? ['Nothing is held.'] : page.holds.map(lineOf)),
        ...(page.next === null ? [] : [`more: --after ${page.next}`]),
      ],
    }
  }
  if (action === 'add') {
    const placed = await api.post<HoldWire>('/holds', newHold(flags))
    return { json: placed, lines: [lineOf(placed)] }
  }
  if (subject === undefined)
    throw new Problem(
      'invalid',
      'name the hold: orrery hold remove HOLD; "orrery hold list" lists them',
    )
  await api.delete(`/holds/${encodeURIComponent(subject)}`)
  return { json: { removed: subject }, lines: [`hold ${subject} is lifted`] }
}

function newHold({ subject, id, reason, until }: Flags) {
  const word = KIND_WORDS.find((each) => each === subject)
  if (word === undefined || id === undefined || reason === undefined)
    throw new Problem(
      'invalid',
      `name what to hold and why: orrery hold add KIND ID --reason "case 12"; KIND is one of ${KIND_WORDS.join(', ')}`,
    )
  const [thing] = thingsOf(word satisfies Word, [id])
  return { ...thing, reason, ...(until === undefined ? {} : { until }) }
}

function lineOf({ id, kind, target, reason, placedBy, until }: HoldWire): string {
  const end = until === null ? '' : `, until ${until}`
  return `${id}  ${kind} ${target}  by ${placedBy}${end}: ${reason}`
}
