import { environment } from '#app/settings/environment'
import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { remoteFlags } from './project.ts'

interface ShownWebhook {
  id: string
  name: string
  url: string
  dialect: string
  events: string[]
  subject: string | null
  enabled: boolean
  disabledBecause: string | null
  failures: number
  secret?: string | null
}

interface ShownDelivery {
  id: string
  event: string
  state: string
  attempts: number
  created: string
  next: string | null
  status: number | null
  error: string | null
}

interface Flags {
  webhook?: string | undefined
  target?: string | undefined
  events?: string[] | undefined
  subject?: string | undefined
  description?: string | undefined
  openlineage: boolean
  keyEnv?: string | undefined
  overlap: number
  limit: number
  before?: string | undefined
  yes: boolean
}

/** What an action gives: the value for --json and the lines for people. */
interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

type Action = (api: ApiClient, flags: Flags) => Promise<Shown>

export const webhooks = command({
  command: 'webhooks <action> [webhook] [target]',
  describe: 'Tell addresses what happens: list, add, show, remove, test, and what was sent to them',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: [
          'list',
          'add',
          'show',
          'enable',
          'disable',
          'remove',
          'rotate',
          'test',
          'deliveries',
          'redeliver',
        ] as const,
        demandOption: true,
      })
      .positional('webhook', { type: 'string', describe: 'Its name or id' })
      .positional('target', {
        type: 'string',
        describe: 'URL for add; id of a delivery for redeliver',
      })
      .option('events', {
        type: 'string',
        array: true,
        describe:
          'For add: types of ledger entries, such as model-version-registered or promotion-*',
      })
      .option('subject', { type: 'string', describe: 'For add: only about this, as model:flights' })
      .option('description', { type: 'string', describe: 'For add: what it is for' })
      .option('openlineage', {
        type: 'boolean',
        default: false,
        describe: 'For add: tell of pipelines as OpenLineage events, to a receiver such as Marquez',
      })
      .option('key-env', {
        type: 'string',
        describe:
          'For add --openlineage: environment variable with the key that the receiver asks for',
      })
      .option('overlap', {
        type: 'number',
        default: 24,
        describe: 'For rotate: hours that the old secret signs too',
      })
      .option('limit', { type: 'number', default: 20, describe: 'For list and deliveries' })
      .option('before', { type: 'string', describe: 'For list and deliveries: the next page' })
      .option('yes', { type: 'boolean', default: false, describe: 'For remove: do it' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const { value, lines } = await ACTIONS[flags.action](api, flags)
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify(value)}\n`
        : lines.map((line) => `${line}\n`).join(''),
    )
  },
})

const ACTIONS = {
  list: async (api, { limit, before }) => {
    const page = await api.get<{ webhooks: ShownWebhook[]; next: string | null }>('/webhooks', {
      limit,
      before,
    })
    const none = 'No webhook yet; "orrery webhooks add NAME URL" adds one.'
    const lines = page.webhooks.length === 0 ? [none] : page.webhooks.map(lineOf)
    return { value: page, lines: [...lines, ...nextPage(page.next)] }
  },
  add: async (api, flags) => {
    const { webhook: name, target: url, events, subject, description, openlineage, keyEnv } = flags
    if (name === undefined || url === undefined)
      throw new Problem('invalid', 'name the webhook and its URL: orrery webhooks add NAME URL')
    const words = openlineage ? { dialect: 'openlineage', secret: keyIn(keyEnv) } : {}
    const given = { name, url, events: events ?? ['*'], subject, description, ...words }
    const added = await api.post<ShownWebhook>('/webhooks', given)
    return { value: added, lines: [lineOf(added), ...secretLines(added)] }
  },
  show: async (api, flags) => {
    const webhook = await named(api, flags)
    return { value: webhook, lines: [lineOf(webhook)] }
  },
  enable: async (api, flags) => switched(api, flags, { enabled: true }),
  disable: async (api, flags) => switched(api, flags, { enabled: false }),
  remove: async (api, flags) => {
    const webhook = await named(api, flags)
    const log = 'with the log of what was sent to it'
    if (!flags.yes)
      return {
        value: { wouldRemove: webhook },
        lines: [lineOf(webhook), `This would be removed ${log}; --yes does it.`],
      }
    await api.delete(`/webhooks/${webhook.id}`)
    return { value: { removed: webhook.id }, lines: [`Removed ${webhook.name} ${log}.`] }
  },
  rotate: async (api, flags) => {
    const { id } = await named(api, flags)
    const body = { overlapHours: flags.overlap }
    const rotated = await api.post<ShownWebhook>(`/webhooks/${id}/rotate`, body)
    return { value: rotated, lines: secretLines(rotated) }
  },
  test: async (api, flags) => {
    const { id } = await named(api, flags)
    const sent = await api.post<ShownDelivery>(`/webhooks/${id}/test`, {})
    return { value: sent, lines: [deliveryLine(sent)] }
  },
  deliveries: async (api, flags) => {
    const { id } = await named(api, flags)
    const { limit, before } = flags
    const page = await api.get<{ deliveries: ShownDelivery[]; next: string | null }>(
      `/webhooks/${id}/deliveries`,
      { limit, before },
    )
    const lines = page.deliveries.map(deliveryLine)
    const shown = lines.length === 0 ? ['Nothing was sent yet.'] : lines
    return { value: page, lines: [...shown, ...nextPage(page.next)] }
  },
  redeliver: async (api, flags) => {
    const { id, name } = await named(api, flags)
    if (flags.target === undefined)
      throw new Problem(
        'invalid',
        `name the delivery; "orrery webhooks deliveries ${name}" lists them`,
      )
    const path = `/webhooks/${id}/deliveries/${encodeURIComponent(flags.target)}/redeliver`
    const sent = await api.post<ShownDelivery>(path, {})
    return { value: sent, lines: [deliveryLine(sent)] }
  },
} satisfies Record<string, Action>

async function switched(api: ApiClient, flags: Flags, change: object): Promise<Shown> {
  const { id } = await named(api, flags)
  const webhook = await api.patch<ShownWebhook>(`/webhooks/${id}`, change)
  return { value: webhook, lines: [lineOf(webhook)] }
}

/** The webhook of that id, or the only one of that name. */
async function named(api: ApiClient, { webhook: given }: Flags): Promise<ShownWebhook> {
  if (given === undefined)
    throw new Problem('invalid', 'name the webhook; "orrery webhooks list" lists them')
  if (/^[0-9A-Z]{26}$/.test(given)) return api.get(`/webhooks/${given}`)
  const found: ShownWebhook[] = []
  for (let before: string | undefined; ;) {
    const page = await api.get<{ webhooks: ShownWebhook[]; next: string | null }>('/webhooks', {
      limit: 200,
      before,
    })
    found.push(...page.webhooks.filter(({ name }) => name === given))
    if (page.next === null) break
    before = page.next
  }
  const [only, another] = found
  if (only === undefined)
    throw new Problem(
      'not-found',
      `no webhook is called ${given}; "orrery webhooks list" lists them`,
    )
  if (another === undefined) return only
  throw new Problem(
    'conflict',
    `${found.length} webhooks are called ${given}; name one by its id: ${found.map(({ id }) => id).join(', ')}`,
  )
}

/** The key itself would be seen in the list of processes. */
function keyIn(variable: string | undefined): string | undefined {
  if (variable === undefined) return undefined
  const key = environment[variable]
  if (key !== undefined && key !== '') return key
  throw new Problem(
    'invalid',
    `the environment variable ${variable} is not set; set it to the key that the receiver asks for`,
  )
}

const WORDS: Readonly<Record<string, string>> = {
  mlflow: '  (MLflow)',
  openlineage: '  (OpenLineage)',
}

function lineOf({ id, name, url, dialect, events, subject, ...rest }: ShownWebhook): string {
  const about = subject === null ? '' : ` about ${subject}`
  const state = rest.enabled ? '' : `  disabled${reasonIn(rest.disabledBecause)}`
  const failing = rest.failures > 0 ? `  ${rest.failures} failures in a row` : ''
  const words = WORDS[dialect] ?? ''
  return `${id}  ${name}  ${url}  ${events.join(' ')}${about}${words}${state}${failing}`
}

function reasonIn(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`
}

function deliveryLine(delivery: ShownDelivery): string {
  const { id, event, state, attempts, created, next, status, error } = delivery
  const answer = status === null ? '' : ` ${status}`
  const again = next === null ? '' : `, next ${next}`
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`
  return `${created}  ${id}  ${event}  ${state}${answer}, ${tries}${again}${error === null ? '' : `: ${error}`}`
}

function secretLines({ secret }: ShownWebhook): string[] {
  // A receiver of OpenLineage has a key of its own.
  if (secret === null) return []
  return [`Secret, told this once: ${secret ?? ''}`]
}

function nextPage(next: string | null): string[] {
  return next === null ? [] : [`More: --before ${next}`]
}
