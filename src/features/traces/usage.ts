import { parsePythonJson, pythonJson, type Value } from '#base/python-json'
import { isObject } from './conventions.ts'

/** What a call used, by MLflow's names. */
export const TOKEN_KEYS = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation_input_tokens_above_1hr',
] as const
export const COST_KEYS = ['input_cost', 'output_cost', 'total_cost'] as const
export type TokenKey = (typeof TOKEN_KEYS)[number]
export type CostKey = (typeof COST_KEYS)[number]
export type Tokens = Partial<Record<TokenKey, number>>
export type Cost = Partial<Record<CostKey, number>>

/** A span that may tell what it used, with all that it called. */
export interface UsageNode<Usage> {
  readonly spanId: string
  readonly parentId: string | null
  readonly usage: Usage | undefined
}

/** The counts that can be counts; undefined when there is none. */
export function tokensIn(json: string | undefined): Tokens | undefined {
  const value = json === undefined ? undefined : parsePythonJson(json)
  if (!isObject(value)) return undefined
  return some(TOKEN_KEYS, (key) => {
    const count = numberIn(value[key])
    return count !== undefined && Number.isSafeInteger(count) ? count : undefined
  })
}

export function costIn(json: string | undefined): Cost | undefined {
  const value = json === undefined ? undefined : parsePythonJson(json)
  if (!isObject(value)) return undefined
  return some(COST_KEYS, (key) => {
    const cost = numberIn(value[key])
    return cost !== undefined && Number.isFinite(cost) ? cost : undefined
  })
}

export function tokensJson(tokens: Tokens): string {
  return pythonJson(
    Object.fromEntries(Object.entries(tokens).map(([key, count]) => [key, BigInt(count)])),
  )
}

export function costJson(cost: Cost): string {
  return pythonJson(cost)
}

/** The tokens of a whole trace. */
export function tokensOf(nodes: readonly UsageNode<Tokens>[]): Tokens | undefined {
  const counted = outermost(nodes)
  if (counted.length === 0) return undefined
  const total = some(TOKEN_KEYS, (key) => {
    const optional = key.startsWith('cache_') && counted.every((usage) => usage[key] === undefined)
    return optional ? undefined : sum(counted.map((usage) => usage[key]))
  })
  return total
}

export function costOf(nodes: readonly UsageNode<Cost>[]): Cost | undefined {
  const counted = outermost(nodes)
  if (counted.length === 0) return undefined
  return some(COST_KEYS, (key) => sum(counted.map((cost) => cost[key])))
}

/** What spans tell that no span above them tells already: a parent's number includes its children's. */
function outermost<Usage>(nodes: readonly UsageNode<Usage>[]): Usage[] {
  const ids = new Set(nodes.map(({ spanId }) => spanId))
  const isTop = ({ parentId }: UsageNode<Usage>) => parentId === null || !ids.has(parentId)
  const children = Map.groupBy(nodes, ({ parentId }) => parentId)
  const found: Usage[] = []
  // A list instead of recursion: a trace may be thousands of spans deep.
  const open = nodes.filter(isTop)
  for (let node = open.pop(); node !== undefined; node = open.pop())
    if (node.usage === undefined) open.push(...(children.get(node.spanId) ?? []))
    else found.push(node.usage)
  return found
}

function sum(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0)
}

function some<Key extends string>(
  keys: readonly Key[],
  value: (key: Key) => number | undefined,
): Partial<Record<Key, number>> | undefined {
  const known = keys.flatMap((key) => {
    const number = value(key)
    return number === undefined ? [] : [[key, number] as const]
  })
  return known.length === 0
    ? undefined
    : (Object.fromEntries(known) as Partial<Record<Key, number>>)
}

function numberIn(value: Value | undefined): number | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : undefined
}
