import {
  buildSchema,
  GraphQLScalarType,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
  execute,
  type DocumentNode,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql'
import { resolveField, type Ask } from './fields.ts'
import { SCHEMA } from './schema.ts'

/** A query of MLflow's pages has a handful of root fields and few levels; these bounds are the reference's. */
const MOST = { rootFields: 10, aliases: 10, depth: 10, selections: 1000, tokens: 5000 } as const

export interface Asked {
  readonly query: string
  readonly variables?: Record<string, unknown> | undefined
  readonly operationName?: string | undefined
}

export interface Answered {
  readonly data: unknown
  readonly errors: string[] | null
}

const schema: GraphQLSchema = withLongNumbers(buildSchema(SCHEMA))

/** Answers a query; mistakes in it and refusals of the endpoints are told beside the data. */
export async function answerQuery(asked: Asked, ask: Ask): Promise<Answered> {
  try {
    const document = parse(asked.query, { maxTokens: MOST.tokens, noLocation: true })
    const costly = costProblem(document)
    if (costly !== undefined) return { data: null, errors: [costly] }
    const mistakes = validate(schema, document, [
      ...specifiedRules,
      NoSchemaIntrospectionCustomRule,
    ])
    if (mistakes.length > 0) return { data: null, errors: mistakes.map(({ message }) => message) }
    const { data, errors } = await execute({
      schema,
      document,
      variableValues: asked.variables ?? {},
      operationName: asked.operationName ?? null,
      contextValue: ask,
      fieldResolver: resolveField,
    })
    return { data: data ?? null, errors: errors?.map(({ message }) => message) ?? null }
  } catch (error) {
    return { data: null, errors: [error instanceof Error ? error.message : String(error)] }
  }
}

/** Why a query would cost too much; undefined when it does not. Fragments count where they are used. */
function costProblem(document: DocumentNode): string | undefined {
  const fragments = new Map<string, SelectionSetNode>()
  for (const each of document.definitions)
    if (each.kind === Kind.FRAGMENT_DEFINITION) fragments.set(each.name.value, each.selectionSet)
  const seen = { rootFields: 0, aliases: 0, selections: 0 }
  for (const each of document.definitions) {
    if (each.kind !== Kind.OPERATION_DEFINITION) continue
    const problem = costOf({ set: each.selectionSet, depth: 1, within: [] }, fragments, seen)
    if (problem !== undefined) return problem
  }
  return undefined
}

interface Level {
  readonly set: SelectionSetNode
  readonly depth: number
  /** The fragments on the way here; one inside itself is told by the validation. */
  readonly within: readonly string[]
}

function costOf(
  { set, depth, within }: Level,
  fragments: ReadonlyMap<string, SelectionSetNode>,
  seen: { rootFields: number; aliases: number; selections: number },
): string | undefined {
  if (depth > MOST.depth) return `Query exceeds maximum depth of ${MOST.depth}`
  for (const selection of set.selections) {
    seen.selections += 1
    if (seen.selections > MOST.selections)
      return `Query exceeds maximum total selections of ${MOST.selections}`
    const next = nextLevel(selection, { depth, within }, fragments)
    if (selection.kind === Kind.FIELD) {
      if (depth === 1) seen.rootFields += 1
      if (selection.alias !== undefined) seen.aliases += 1
      if (seen.rootFields > MOST.rootFields)
        return `GraphQL queries should have at most ${MOST.rootFields} root fields`
      if (seen.aliases > MOST.aliases)
        return `GraphQL queries should have at most ${MOST.aliases} aliases`
    }
    const problem = next === undefined ? undefined : costOf(next, fragments, seen)
    if (problem !== undefined) return problem
  }
  return undefined
}

function nextLevel(
  selection: SelectionSetNode['selections'][number],
  { depth, within }: Omit<Level, 'set'>,
  fragments: ReadonlyMap<string, SelectionSetNode>,
): Level | undefined {
  if (selection.kind !== Kind.FRAGMENT_SPREAD) {
    const isField = selection.kind === Kind.FIELD
    const set = selection.selectionSet
    return set === undefined ? undefined : { set, depth: isField ? depth + 1 : depth, within }
  }
  const name = selection.name.value
  const set = fragments.get(name)
  if (set === undefined || within.includes(name)) return undefined
  return { set, depth, within: [...within, name] }
}

/** Whole numbers as texts both ways, where a text may be given as a number too. */
function withLongNumbers(built: GraphQLSchema): GraphQLSchema {
  const scalar = built.getType('LongString')
  if (scalar instanceof GraphQLScalarType)
    Object.assign(scalar, {
      serialize: String,
      parseValue: Number,
      parseLiteral: (node: { kind: string; value?: unknown }) =>
        ['IntValue', 'StringValue'].includes(node.kind) ? Number(node.value) : null,
    })
  return built
}
