import { parsePythonJson, pythonJson, type Value } from '#base/python-json'
import type { SpanEvent } from './attribute.ts'

/** How one school of instrumentation names what MLflow has its own names for. */
interface Convention {
  readonly kind: { readonly key: string; readonly types: Readonly<Record<string, string>> }
  readonly inputTokens?: string
  readonly outputTokens?: string
  readonly totalTokens?: string
  readonly cacheReadTokens?: string
  readonly cacheWriteTokens?: readonly string[]
  readonly inputs: readonly (string | RegExp)[]
  readonly outputs: readonly (string | RegExp)[]
  readonly model?: readonly string[]
  readonly provider?: string
  readonly tools?: string
}

const OPEN_INFERENCE: Convention = {
  kind: {
    key: 'openinference.span.kind',
    types: same(
      'TOOL CHAIN LLM RETRIEVER EMBEDDING AGENT RERANKER UNKNOWN GUARDRAIL EVALUATOR'.split(' '),
    ),
  },
  inputTokens: 'llm.token_count.prompt',
  outputTokens: 'llm.token_count.completion',
  totalTokens: 'llm.token_count.total',
  cacheReadTokens: 'llm.token_count.prompt_details.cache_read',
  cacheWriteTokens: ['llm.token_count.prompt_details.cache_write'],
  inputs: ['input.value'],
  outputs: ['output.value'],
  model: [
    'llm.response.model_name',
    'llm.model_name',
    'llm.request.model_name',
    'embedding.model_name',
  ],
  provider: 'llm.provider',
}

const GEN_AI: Convention = {
  kind: {
    key: 'gen_ai.operation.name',
    types: {
      chat: 'CHAT_MODEL',
      create_agent: 'AGENT',
      embeddings: 'EMBEDDING',
      execute_tool: 'TOOL',
      generate_content: 'LLM',
      invoke_agent: 'AGENT',
      text_completion: 'LLM',
      response: 'LLM',
    },
  },
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cacheReadTokens: 'gen_ai.usage.cache_read.input_tokens',
  cacheWriteTokens: [
    'gen_ai.usage.cache_write.input_tokens',
    'gen_ai.usage.cache_creation.input_tokens',
  ],
  inputs: ['gen_ai.input.messages', 'gen_ai.tool.call.arguments'],
  outputs: ['gen_ai.output.messages', 'gen_ai.tool.call.result'],
  model: ['gen_ai.response.model', 'gen_ai.request.model'],
  provider: 'gen_ai.provider.name',
  tools: 'gen_ai.tool.definitions',
}

const TRACELOOP: Convention = {
  kind: {
    key: 'traceloop.span.kind',
    types: {
      workflow: 'WORKFLOW',
      task: 'TASK',
      agent: 'AGENT',
      tool: 'TOOL',
      unknown: 'UNKNOWN',
    },
  },
  inputTokens: 'gen_ai.usage.prompt_tokens',
  outputTokens: 'gen_ai.usage.completion_tokens',
  totalTokens: 'llm.usage.total_tokens',
  inputs: [
    'traceloop.entity.input',
    /^gen_ai\.prompt\.\d+\.content/,
    /^gen_ai\.completion\.\d+\.tool_calls\.\d+\.arguments/,
  ],
  outputs: ['traceloop.entity.output', /^gen_ai\.completion\.\d+\.content/],
  provider: 'gen_ai.system',
}

const LANGFUSE: Convention = {
  kind: {
    key: 'langfuse.observation.type',
    types: {
      generation: 'LLM',
      embedding: 'EMBEDDING',
      tool: 'TOOL',
      retriever: 'RETRIEVER',
      agent: 'AGENT',
      chain: 'CHAIN',
    },
  },
  inputs: ['langfuse.observation.input'],
  outputs: ['langfuse.observation.output'],
}

/** In the order in which they are asked. */
const CONVENTIONS: readonly Convention[] = [OPEN_INFERENCE, GEN_AI, TRACELOOP, LANGFUSE]

type Attributes = ReadonlyMap<string, string>

/** The attributes with what other conventions say told in MLflow's words too, where those are missing. */
export function readAs(told: Attributes, events: readonly SpanEvent[]): Attributes {
  const attributes = new Map(told)
  const fill = (key: string, json: string | undefined) => {
    if (json !== undefined && !attributes.has(key)) attributes.set(key, json)
  }
  const type = spanType(told)
  if (type !== undefined && ['"UNKNOWN"', 'null', undefined].includes(told.get('mlflow.spanType')))
    attributes.set('mlflow.spanType', JSON.stringify(type))
  fill(
    'mlflow.spanInputs',
    firstOf(told, ({ inputs }) => inputs) ?? messagesIn(events, INPUT_EVENTS),
  )
  fill(
    'mlflow.spanOutputs',
    firstOf(told, ({ outputs }) => outputs) ?? messagesIn(events, OUTPUT_EVENTS),
  )
  fill('mlflow.chat.tokenUsage', tokenUsage(told))
  fill(
    'mlflow.chat.tools',
    firstOf(told, ({ tools }) => (tools === undefined ? [] : [tools])),
  )
  fill('mlflow.llm.model', firstOf(told, ({ model = [] }) => model) ?? modelIn(attributes))
  fill(
    'mlflow.llm.provider',
    firstOf(told, ({ provider }) => (provider === undefined ? [] : [provider])),
  )
  return attributes
}

function spanType(told: Attributes): string | undefined {
  for (const { kind } of CONVENTIONS) {
    const word = told.get(kind.key)
    if (word === undefined) continue
    const type = kind.types[textOf(word)]
    if (type !== undefined) return type
  }
  return undefined
}

function textOf(json: string): string {
  const value = parsePythonJson(json)
  return typeof value === 'string' ? value : json
}

/** The first attribute that is there and says something. */
function firstOf(
  told: Attributes,
  names: (convention: Convention) => readonly (string | RegExp)[],
): string | undefined {
  for (const convention of CONVENTIONS)
    for (const name of names(convention)) {
      const keys =
        typeof name === 'string' ? [name] : [...told.keys()].filter((key) => name.test(key))
      for (const key of keys) {
        const json = told.get(key)
        if (json !== undefined && !SAYS_NOTHING.has(json)) return json
      }
    }
  return undefined
}

const SAYS_NOTHING = new Set(['null', '""', '[]', '{}', '0', '0.0', 'false'])

function tokenUsage(told: Attributes): string | undefined {
  for (const convention of CONVENTIONS) {
    const tokens = (key: string | undefined) =>
      key === undefined ? undefined : wholeNumber(told.get(key))
    const input = tokens(convention.inputTokens)
    const output = tokens(convention.outputTokens)
    const both = input !== undefined && output !== undefined ? input + output : undefined
    const total = tokens(convention.totalTokens) ?? both
    if (input === undefined && output === undefined && total === undefined) continue
    const usage = {
      input_tokens: input,
      output_tokens: output,
      total_tokens: total,
      cache_read_input_tokens: tokens(convention.cacheReadTokens),
      cache_creation_input_tokens: convention.cacheWriteTokens
        ?.map(tokens)
        .find((count) => count !== undefined),
    }
    const known = Object.entries(usage).filter(([, count]) => count !== undefined)
    return pythonJson(Object.fromEntries(known) as Record<string, bigint>)
  }
  return undefined
}

/** A count, also as a text. */
function wholeNumber(json: string | undefined): bigint | undefined {
  const value = json === undefined ? undefined : parsePythonJson(json)
  if (typeof value === 'bigint') return value
  return typeof value === 'string' && /^[+-]?\d{1,18}$/.test(value.trim())
    ? BigInt(value.trim())
    : undefined
}

/** The model that a call names in what it was given or gave. */
function modelIn(attributes: Attributes): string | undefined {
  for (const key of ['mlflow.spanInputs', 'mlflow.spanOutputs']) {
    const json = attributes.get(key)
    if (json === undefined || !json.includes('"model"')) continue
    const value = parsePythonJson(json)
    const model = isObject(value) ? value['model'] : undefined
    if (typeof model === 'string' && model !== '') return pythonJson(model)
  }
  return undefined
}

const INPUT_EVENTS = new Map([
  ['gen_ai.system.message', 'system'],
  ['gen_ai.user.message', 'user'],
  ['gen_ai.assistant.message', 'assistant'],
])
const OUTPUT_EVENTS = new Map([['gen_ai.choice', 'assistant']])

/** Messages that are told as events of the span. */
function messagesIn(
  events: readonly SpanEvent[],
  roles: ReadonlyMap<string, string>,
): string | undefined {
  const messages = events.flatMap(({ name, attributes }) => {
    const role = roles.get(name)
    const content = attributes.find(({ key }) => key === 'content')?.value
    return role === undefined || content === undefined || content === ''
      ? []
      : [{ role, content: typeof content === 'string' ? jsonOrText(content) : content }]
  })
  return messages.length === 0 ? undefined : pythonJson(messages)
}

function jsonOrText(text: string): Value {
  return parsePythonJson(text) ?? text
}

export function isObject(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function same(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => [word, word]))
}
