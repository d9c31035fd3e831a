import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '#base/problem'
import type { ProjectConfig } from '#projects'

/** What a project's `orrery.yaml` says; nothing where there is none. Loads its reader only where there is one. */
export async function declaredIn(root: string): Promise<Partial<ProjectConfig>> {
  const file = join(root, 'orrery.yaml')
  if (!existsSync(file)) return {}
  const { parseProjectFile } = await import('#protocols/project-file/index')
  const { config, problems } = parseProjectFile(readFileSync(file, 'utf8'))
  if (config === undefined)
    throw new Problem('invalid', `orrery.yaml is not right: ${problems.join('; ')}`)
  return config
}
