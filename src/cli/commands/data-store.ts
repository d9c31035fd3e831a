import { Problem } from '#base/problem'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import { sizeOf } from '../retention.ts'
import { print } from '../table.ts'
import { counted } from '../tables/text.ts'
import { remoteFlags } from './project.ts'

interface ShownStore {
  name: string
  path: string
  access: string
  quotaBytes: number | null
  usedBytes: number
  objects: number
}

interface ShownToken {
  id: string
  name: string
  access: string
  created: string
  secret?: string
}

interface Flags {
  store?: string | undefined
  target?: string | undefined
  quota?: string | undefined
  open: boolean
  write: boolean
  read: boolean
  name?: string | undefined
  limit: number
  after?: string | undefined
  yes: boolean
}

/** What an action gives: the value for --json and the lines for people. */
interface Shown {
  readonly value: unknown
  readonly lines: readonly string[]
}

export const dataStore = command({
  command: 'data-store <action> [store] [target]',
  describe: 'Places on the server for data, which dvc and orrery use as remotes',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['create', 'list', 'show', 'token', 'revoke', 'quota', 'delete'] as const,
        demandOption: true,
      })
      .positional('store', { type: 'string', describe: 'Its name' })
      .positional('target', {
        type: 'string',
        describe:
          'For quota: a size, such as 500GB, or none; for revoke: a token by its id or name',
      })
      .option('quota', { type: 'string', describe: 'For create: a size, such as 500GB' })
      .option('open', {
        type: 'boolean',
        default: false,
        describe: 'For create: let callers on the server’s machine in without a token',
      })
      .option('write', {
        type: 'boolean',
        default: false,
        describe: 'For token: it may push and remove too',
      })
      .option('read', { type: 'boolean', default: false, describe: 'For token: it may only pull' })
      .option('name', { type: 'string', describe: 'For token: whose it is, or what it is for' })
      .option('limit', { type: 'number', default: 50, describe: 'For list' })
      .option('after', { type: 'string', describe: 'For list: the next page' })
      .option('yes', { type: 'boolean', default: false, describe: 'For delete: do it' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    print(flags.json, await ACTIONS[flags.action](api, flags))
  },
})

const ACTIONS = {
  create: async (api, flags) => {
    const name = storeIn(flags)
    const store = await api.post<ShownStore>('/data-stores', {
      name,
      access: flags.open ? 'open' : 'tokens',
      quotaBytes: flags.quota === undefined ? null : quotaIn(flags.quota),
    })
    const next = flags.open
      ? []
      : [`Make a token for those who push: orrery data-store token ${name} --write --name NAME`]
    const address = `${api.url}${store.path}`
    return {
      value: withUrl(api, store),
      lines: [lineOf(api, store), `Use it: orrery remote add -d ${name} ${address}`, ...next],
    }
  },
  list: async (api, { limit, after }) => {
    const page = await api.get<{ dataStores: ShownStore[]; next: string | null }>('/data-stores', {
      limit,
      after,
    })
    const none = 'No data store yet; "orrery data-store create NAME" makes one.'
    const lines = page.dataStores.map((store) => lineOf(api, store))
    return {
      value: { ...page, dataStores: page.dataStores.map((store) => withUrl(api, store)) },
      lines: [
        ...(lines.length === 0 ? [none] : lines),
        ...(page.next === null ? [] : [`More: --after ${page.next}`]),
      ],
    }
  },
  show: async (api, flags) => {
    const store = await found(api, flags)
    const tokens = await tokensOf(api, flags)
    const none = `No token; "orrery data-store token ${store.name} --write" makes one.`
    return {
      value: { ...withUrl(api, store), tokens },
      lines: [lineOf(api, store), ...(tokens.length === 0 ? [none] : tokens.map(tokenLine))],
    }
  },
  token: async (api, flags) => {
    const name = storeIn(flags)
    if (flags.read === flags.write)
      throw new Problem(
        'invalid',
        'say what the token may do: --read to pull, or --write to push and pull',
      )
    const access = flags.write ? 'write' : 'read'
    const made = await api.post<ShownToken>(`${pathOf(flags)}/tokens`, {
      name: flags.name ?? access,
      access,
    })
    return {
      value: made,
      lines: [
        tokenLine(made),
        `Token, told this once: ${made.secret ?? ''}`,
        'Give it to the remote, in each project that uses it:',
        `  orrery remote modify --local ${name} auth basic`,
        `  orrery remote modify --local ${name} user token`,
        `  orrery remote modify --local ${name} password TOKEN`,
      ],
    }
  },
  revoke: async (api, flags) => {
    const name = storeIn(flags)
    const { target } = flags
    if (target === undefined)
      throw new Problem(
        'invalid',
        `name the token by its id or name; "orrery data-store show ${name}" lists them`,
      )
    const named = (await tokensOf(api, flags)).filter(
      (token) => token.id === target || token.name === target,
    )
    const [only] = named
    if (only === undefined || named.length > 1)
      throw new Problem(
        only === undefined ? 'not-found' : 'conflict',
        `${named.length} tokens of the data store ${name} are called ${target}; "orrery data-store show ${name}" lists them with their ids`,
      )
    await api.delete(`${pathOf(flags)}/tokens/${only.id}`)
    return { value: { revoked: only }, lines: [`Revoked ${tokenLine(only)}`] }
  },
  quota: async (api, flags) => {
    storeIn(flags)
    if (flags.target === undefined)
      throw new Problem('invalid', 'give the new quota: a size, such as 500GB, or none')
    const quotaBytes = quotaIn(flags.target)
    const store = await api.put<ShownStore>(`${pathOf(flags)}/quota`, { quotaBytes })
    return { value: withUrl(api, store), lines: [lineOf(api, store)] }
  },
  delete: async (api, flags) => {
    const store = await found(api, flags)
    const all = `with ${counted(store.objects, 'object')} (${sizeOf(store.usedBytes)}) and its tokens`
    if (!flags.yes)
      return {
        value: { wouldDelete: withUrl(api, store) },
        lines: [lineOf(api, store), `This would be deleted ${all}; --yes does it.`],
      }
    await api.delete(pathOf(flags))
    return { value: { deleted: store.name }, lines: [`Deleted ${store.name} ${all}.`] }
  },
} satisfies Record<string, (api: ApiClient, flags: Flags) => Promise<Shown>>

function storeIn({ store }: Flags): string {
  if (store !== undefined) return store
  throw new Problem('invalid', 'name the data store; "orrery data-store list" lists them')
}

function pathOf(flags: Flags): string {
  return `/data-stores/${encodeURIComponent(storeIn(flags))}`
}

async function found(api: ApiClient, flags: Flags): Promise<ShownStore> {
  return api.get(pathOf(flags))
}

async function tokensOf(api: ApiClient, flags: Flags): Promise<ShownToken[]> {
  return (await api.get<{ tokens: ShownToken[] }>(`${pathOf(flags)}/tokens`)).tokens
}

function withUrl(api: ApiClient, store: ShownStore) {
  return { ...store, url: `${api.url}${store.path}` }
}

function lineOf(api: ApiClient, store: ShownStore): string {
  const { name, path, access, objects, usedBytes, quotaBytes } = store
  const quota = quotaBytes === null ? '' : ` of ${sizeOf(quotaBytes)}`
  const open = access === 'open' ? '  open on this machine' : ''
  return `${name}  ${api.url}${path}  ${counted(objects, 'object')}, ${sizeOf(usedBytes)}${quota}${open}`
}

function tokenLine({ id, name, access, created }: ShownToken): string {
  return `${id}  ${access}  ${name}  ${created}`
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
}

/** Bytes of a size such as 500GB or 1.5TiB; null for `none`. */
function quotaIn(text: string): number | null {
  if (text === 'none') return null
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([kmgt]i?|)b?$/i.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? Number.NaN))
  if (number !== '' && Number.isSafeInteger(bytes)) return bytes
  throw new Problem(
    'invalid',
    `${text} is no size; say for example 500GB, 1.5TiB or a number of bytes, or none for no quota`,
  )
}
