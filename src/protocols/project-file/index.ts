import { Value } from 'typebox/value'
import { parseDocument } from 'yaml'
import { ProjectConfigSchema, withDefaults, type ProjectConfig } from '#projects'

/**
 * Reads `orrery.yaml`. Never throws: what is wrong comes back as sentences that say where and what is expected.
 */
export function parseProjectFile(text: string): {
  config: ProjectConfig | undefined
  problems: string[]
} {
  const document = parseDocument(text, { uniqueKeys: true })
  if (document.errors.length > 0)
    return { config: undefined, problems: document.errors.map((error) => error.message) }
  const raw: unknown = document.toJS()
  if (typeof raw !== 'object' || raw === null)
    return {
      config: undefined,
      problems: ['orrery.yaml is empty; it needs at least "project: NAME"'],
    }
  const value = withDefaults(raw)
  if (!Value.Check(ProjectConfigSchema, value)) {
    const problems = [...Value.Errors(ProjectConfigSchema, value)].map(
      (error) =>
        `${error.instancePath.slice(1).replaceAll('/', '.') || 'orrery.yaml'}: ${error.message}`,
    )
    return { config: undefined, problems }
  }
  const problems = crossCheck(value)
  return { config: problems.length === 0 ? value : undefined, problems }
}

/** Names in one part that must exist in another. */
function crossCheck(config: ProjectConfig): string[] {
  return Object.entries(config.policies).flatMap(([name, policy]) => {
    const watched = policy.on.map((trigger) => trigger.drift ?? trigger.performance ?? '')
    const missing = watched.filter((endpoint) => !Object.hasOwn(config.endpoints, endpoint))
    const model = /^promote ([^@]+)@/.exec(policy.then ?? '')?.[1]
    const problems = missing.map(
      (endpoint) => `policies.${name}: there is no endpoint ${endpoint} in this file`,
    )
    if (model !== undefined && !Object.hasOwn(config.models, model))
      problems.push(`policies.${name}: there is no model ${model} in this file`)
    return problems
  })
}
