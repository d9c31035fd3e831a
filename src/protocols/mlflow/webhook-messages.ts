import { createHmac } from 'node:crypto'
import { sha256 } from '#base/digest'
import type { Json } from '#base/json'
import { Problem } from '#base/problem'
import { PROMPT_TAG, type RegistryReads } from '#registry'
import type { Dialect } from '#webhooks'
import { EXAMPLES, isMlflowEvent, type MlflowEvent } from './webhook-events.ts'

type Data = Readonly<Record<string, Json>>

/** What happens in the registry, in the words and with the signature of MLflow's own webhooks. */
export const mlflowDialect: Dialect = {
  checkEvents: (events) => {
    const wrong = events.find((event) => !isMlflowEvent(event))
    if (wrong !== undefined) throw new Problem('invalid', `there is no webhook event ${wrong}`)
  },
  factTypes: () => Object.keys(TOLD),
  message: async (entry, { events }, registry) => {
    const told = await TOLD[entry.type]?.(entry.data, registry)
    if (told === undefined || !events.includes(told.event)) return undefined
    return messageOf(told.event, told.data, entry.atMs)
  },
  example: (event, { events }, atMs) => {
    const wanted = [event, ...events].find((each) => each !== undefined && isMlflowEvent(each))
    const told = wanted ?? 'registered_model.created'
    return messageOf(told, EXAMPLES[told], atMs)
  },
  headers: ({ id, atMs, body, secrets }) => {
    const delivery = uuidOf(id)
    const timestamp = String(Math.floor(atMs / 1000))
    const signed = `${delivery}.${timestamp}.${body}`
    const [secret] = secrets
    return {
      'X-MLflow-Delivery-Id': delivery,
      'X-MLflow-Timestamp': timestamp,
      ...(secret === undefined
        ? {}
        : {
            'X-MLflow-Signature': `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`,
          }),
    }
  },
}

interface Told {
  readonly event: MlflowEvent
  readonly data: Data
}

/** What MLflow tells of each fact; of others it tells nothing. */
const TOLD: Readonly<
  Record<string, (data: Data, registry: RegistryReads) => Promise<Told | undefined>>
> = {
  'registered-model-created': async (data, registry) => {
    const name = nameIn(data['model'])
    const tags = await bornWith(data, async () => (await registry.findModel(name))?.tags)
    const description = await whole(data['note'] ?? '', async () => {
      return (await registry.findModel(name))?.note
    })
    return isPromptTag(tags[PROMPT_TAG])
      ? { event: 'prompt.created', data: { name, tags: plain(tags), description } }
      : { event: 'registered_model.created', data: { name, tags, description } }
  },
  'model-version-registered': versionCreated,
  'registered-model-tag-set': async (data, registry) => {
    const [name, key] = [nameIn(data['model']), nameIn(data['key'])]
    const model = await registry.findModel(name)
    if (!isPrompt(model?.tags)) return undefined
    const value = await whole(data['value'], async () => valueIn(model?.tags, key))
    return { event: 'prompt_tag.set', data: { name, key, value } }
  },
  'registered-model-tag-deleted': async (data, registry) => {
    const name = nameIn(data['model'])
    if (!isPrompt((await registry.findModel(name))?.tags)) return undefined
    return { event: 'prompt_tag.deleted', data: { name, key: nameIn(data['key']) } }
  },
  'model-version-tag-set': async (data, registry) => {
    const named = versionIn(data)
    const key = nameIn(data['key'])
    const value = await whole(data['value'], async () =>
      valueIn((await registry.findVersion(named.name, Number(named.version)))?.tags, key),
    )
    const event = (await ofPrompt(data, registry))
      ? 'prompt_version_tag.set'
      : 'model_version_tag.set'
    return { event, data: { ...named, key, value } }
  },
  'model-version-tag-deleted': async (data, registry) => ({
    event: (await ofPrompt(data, registry))
      ? 'prompt_version_tag.deleted'
      : 'model_version_tag.deleted',
    data: { ...versionIn(data), key: nameIn(data['key']) },
  }),
  'model-alias-moved': async (data, registry) => {
    const named = { name: nameIn(data['model']), alias: nameIn(data['alias']) }
    const kind = (await ofPrompt(data, registry)) ? 'prompt_alias' : 'model_version_alias'
    return data['version'] === null
      ? { event: `${kind}.deleted`, data: named }
      : { event: `${kind}.created`, data: { ...named, version: nameIn(data['version']) } }
  },
}

const TYPE_TAG = '_mlflow_prompt_type'
const TEXT_TAG = 'mlflow.prompt.text'

async function versionCreated(data: Data, registry: RegistryReads): Promise<Told> {
  const named = versionIn(data)
  const kept = async () => registry.findVersion(named.name, Number(named.version))
  const tags = await bornWith(data, async () => (await kept())?.tags)
  const note = await whole(data['note'] ?? '', async () => (await kept())?.note)
  const description = note === '' ? null : note
  if (!isPromptTag(tags[PROMPT_TAG])) {
    const source = await whole(data['source'], async () => (await kept())?.source)
    const run_id = data['run'] ?? null
    return {
      event: 'model_version.created',
      data: { ...named, source, run_id, tags, description },
    }
  }
  const { [TEXT_TAG]: template = null, ...others } = plain(tags)
  return {
    event: 'prompt_version.created',
    data: { ...named, template, tags: others, description },
  }
}

function versionIn(data: Data): { name: string; version: string } {
  return { name: nameIn(data['model']), version: nameIn(data['version']) }
}

async function ofPrompt(data: Data, registry: RegistryReads): Promise<boolean> {
  return isPrompt((await registry.findModel(nameIn(data['model'])))?.tags)
}

/** A name or a number of a fact. */
function nameIn(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '')
}

type Tags = readonly { readonly key: string; readonly value: string }[] | undefined

function isPrompt(tags: Tags): boolean {
  return isPromptTag(valueIn(tags, PROMPT_TAG))
}

function isPromptTag(value: Json | undefined): boolean {
  return typeof value === 'string' && value.toLowerCase() === 'true'
}

function valueIn(tags: Tags, key: string): string | undefined {
  return tags?.find((tag) => tag.key === key)?.value
}

/** Tags without those that only make a prompt of a model. */
function plain(tags: Data): Data {
  const { [PROMPT_TAG]: _prompt, [TYPE_TAG]: _type, ...others } = tags
  return others
}

/** A text of a fact; a long one is there by its digest only, and is what the registry has now. */
async function whole(
  value: Json | undefined,
  now: () => Promise<string | undefined>,
): Promise<string> {
  return typeof value === 'string' ? value : ((await now()) ?? '')
}

/** The tags that something was made with. */
async function bornWith(data: Data, now: () => Promise<Tags>): Promise<Data> {
  const tags = (data['tags'] ?? {}) as Data
  const told = Object.entries(tags)
  if (
    !('sha256' in tags && 'chars' in tags) &&
    told.every(([, value]) => typeof value === 'string')
  )
    return tags
  const kept = await now()
  return Object.fromEntries((kept ?? []).map(({ key, value }) => [key, value]))
}

function messageOf(event: MlflowEvent, data: Data, atMs: number) {
  const [entity, action] = event.split('.') as [string, string]
  const timestamp = new Date(atMs).toISOString().replace(/(\d{3})Z$/, '$1000+00:00')
  return { event, body: asciiJson({ entity, action, timestamp, data }) }
}

/** JSON as Python prints it unless told otherwise: a space after each mark, and only ASCII. */
function asciiJson(value: Json): string {
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(asciiJson).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value as Data).map(
      ([key, each]) => `${asciiJson(key)}: ${asciiJson(each)}`,
    )
    return `{${members.join(', ')}}`
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** A UUID for a delivery, the same whenever it is sent again. */
function uuidOf(id: string): string {
  const hex = sha256(id)
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
