import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '#base/problem'
import type { ShownReplay } from '#protocols/api/replays'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { versionMeant } from '../package/fetch.ts'
import { showProgress } from '../progress.ts'
import { cellOf, print, tableLines, timeOf } from '../table.ts'
import { remoteFlags } from './project.ts'

export const replay = command({
  command: 'replay <candidate> [id]',
  describe:
    'Run a version over what an endpoint was asked: replay flights-late:4 --endpoint flights-late; also show ID, cancel ID, list',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('candidate', {
        type: 'string',
        demandOption: true,
        describe: 'MODEL:VERSION or MODEL@ALIAS; or show, cancel, list',
      })
      .positional('id', { type: 'string', describe: 'Replay, for show and cancel' })
      .option('endpoint', { type: 'string', describe: 'Whose logged requests' })
      .option('since', {
        type: 'string',
        default: '7d',
        describe: 'Span before the newest prediction, or a time',
      })
      .option('until', { type: 'string', describe: 'A time (default: the newest prediction)' })
      .option('limit', { type: 'number', describe: 'Rows; of more, so many are drawn' })
      .option('tolerance', {
        type: 'number',
        default: 0,
        describe: 'Amounts that lie no further apart are the same',
      })
      .option('kind', {
        choices: ['auto', 'classification', 'regression'] as const,
        default: 'auto' as const,
      })
      .option('before', { type: 'string', describe: 'For list: what the page before ended with' })
      .option('wait', { type: 'boolean', default: true, describe: 'Wait for the result' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const { candidate, id } = flags
    if (candidate === 'list') return print(flags.json, await listed(api, flags))
    if (candidate === 'show' || candidate === 'cancel') {
      if (id === undefined)
        throw new Problem('invalid', `name the replay: orrery replay ${candidate} ID`)
      const place = `/replays/${encodeURIComponent(id)}`
      const shown = await (candidate === 'show'
        ? api.get<ShownReplay>(place)
        : api.post<ShownReplay>(`${place}/cancel`, {}))
      return print(flags.json, { value: shown, lines: linesOf(shown) })
    }
    if (flags.endpoint === undefined)
      throw new Problem('invalid', 'say whose requests are replayed: --endpoint NAME')
    const { endpoint, since, until, limit, tolerance, kind } = flags
    const asked = await api.post<ShownReplay>('/replays', {
      ...(await versionMeant(api, candidate)),
      endpoint,
      since,
      ...(until === undefined ? {} : { until }),
      ...(limit === undefined ? {} : { limit }),
      tolerance,
      kind,
    })
    const shown = flags.wait ? await ended(api, asked, flags) : asked
    print(flags.json, { value: shown, lines: linesOf(shown) })
    if (shown.state === 'failed') process.exitCode = 1
  },
})

async function ended(
  api: ApiClient,
  asked: ShownReplay,
  flags: { json?: boolean },
): Promise<ShownReplay> {
  const progress = showProgress('rows', flags)
  let shown = asked
  let done = 0
  while (shown.ended === null) {
    await sleep(200)
    shown = await api.get<ShownReplay>(`/replays/${encodeURIComponent(asked.id)}`)
    if (shown.progress !== null) {
      progress.expect(shown.progress.total)
      progress.add(shown.progress.done - done)
      done = shown.progress.done
    }
  }
  progress.end()
  return shown
}

async function listed(
  api: ApiClient,
  flags: { endpoint?: string | undefined; limit?: number | undefined; before?: string | undefined },
) {
  const { endpoint, limit = 20, before } = flags
  const page = await api.get<{ replays: ShownReplay[]; next: string | null }>('/replays', {
    endpoint,
    limit,
    before,
  })
  const rows = page.replays.map((each) => [
    each.id,
    each.endpoint,
    `${each.model}:${each.version}`,
    each.state,
    each.result === null ? '-' : percent(each.result.report.disagreement.value),
    timeOf(each.created),
  ])
  const more = page.next === null ? [] : [`more: --before ${page.next}`]
  const heads = ['REPLAY', 'ENDPOINT', 'CANDIDATE', 'STATE', 'DISAGREES', 'CREATED']
  return { value: page, lines: [...tableLines(heads, rows), ...more] }
}

function linesOf(shown: ShownReplay): string[] {
  const { id, model, version, endpoint, state, result } = shown
  const head = `${model}:${version} on ${endpoint}, ${timeOf(shown.from)} to ${timeOf(shown.to)} (replay ${id})`
  if (result === null) return [head, shown.reason === null ? state : `${state}: ${shown.reason}`]
  const { report } = result
  const { value, low, high } = report.disagreement
  return [
    head,
    `  ${report.rows} rows of ${result.logged}, ${result.refused} refused`,
    ...result.refusals.map((reason) => `    ${reason}`),
    `  disagrees on ${report.disagreements}: ${percent(value)} (${percent(low)} to ${percent(high)})`,
    ...differenceLines(result),
    ...metricLines(result),
    ...sliceLines(result),
  ]
}

type Result = NonNullable<ShownReplay['result']>

function differenceLines({ report: { difference }, latency }: Result): string[] {
  const { candidate, live } = latency
  return [
    ...(difference === null
      ? []
      : [
          `  scores apart by ${cellOf(difference.mean)} on average, p50 ${cellOf(difference.p50)}, p90 ${cellOf(difference.p90)}, p99 ${cellOf(difference.p99)}, at most ${cellOf(difference.max)}`,
        ]),
    ...(candidate === null || live === null
      ? []
      : [
          `  p50 of single rows ${cellOf(candidate.p50)} ms; requests were answered in ${cellOf(live.p50)} ms`,
        ]),
  ]
}

function metricLines({ report: { metrics, labels } }: Result): string[] {
  const rows = Object.entries(metrics).map(([name, { candidate, live, difference }]) => [
    `  ${name}`,
    cellOf(candidate),
    cellOf(live),
    `${cellOf(difference.value)} (${cellOf(difference.low)} to ${cellOf(difference.high)})`,
  ])
  if (rows.length === 0) return [`  ${labels} truths are known, too few to measure by`]
  return tableLines([`  BY ${labels} TRUTHS`, 'CANDIDATE', 'LIVE', 'DIFFERENCE'], rows)
}

function sliceLines({ report: { slices } }: Result): string[] {
  const rows = slices.map(({ column, where, rows: count, share }) => [
    `  ${column} ${where}`,
    String(count),
    `${percent(share.value)} (${percent(share.low)} to ${percent(share.high)})`,
  ])
  return rows.length === 0 ? [] : tableLines(['  WHERE IT DISAGREES MOST', 'ROWS', 'SHARE'], rows)
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
