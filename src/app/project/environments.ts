import { existsSync } from 'node:fs'
import { sep } from 'node:path'
import { Problem } from '#base/problem'
import { systemClock } from '#base/clock'
import type { EnvironmentBuilder, EnvironmentOptions } from '#executors/environment/index'
import type { EnvironmentConfig, ProjectConfig } from '#projects'
import type { Environments } from '#stages'
import { openProjectLock } from '#stores/dvc/lock'
import { declaredIn } from './declared.ts'

export interface EnvironmentsGround {
  readonly variables: Readonly<Record<string, string | undefined>>
  /** Folder of the environments that stages run in; asked for when one is needed. */
  readonly environments: string | (() => Promise<string>)
  /** Folders outside the project that its data is linked to. */
  readonly linked?: readonly string[]
}

/** Looks into orrery.yaml only when a stage really runs. */
export function environmentsOf(root: string, ground: EnvironmentsGround): Environments {
  return {
    own: ground.variables,
    prepare: async (name, onProgress, signal) => {
      const declared = environmentNamed(await declaredIn(root), name)
      if (declared === undefined) return { variables: {}, record: null }
      return (await builderOf(root, ground, { name, declared })).prepare(onProgress, signal)
    },
  }
}

/** What the project declares under a name, or as its own; undefined where it declares none of its own. */
export function environmentNamed(
  { environment, environments = {} }: Partial<ProjectConfig>,
  name: string | undefined,
): EnvironmentConfig | undefined {
  if (name === undefined) return environment
  if (Object.hasOwn(environments, name)) return environments[name]
  const known = Object.keys(environments)
  throw new Problem(
    'not-found',
    `orrery.yaml declares no environment ${name} under environments; it has ${known.length === 0 ? 'none' : known.join(', ')}`,
  )
}

export async function builderOf(
  root: string,
  ground: EnvironmentsGround,
  wanted: {
    readonly name: string | undefined
    readonly declared: EnvironmentConfig
    readonly offline?: boolean
  },
): Promise<EnvironmentBuilder> {
  const { environmentBuilder, specIn } = await import('#executors/environment/index')
  const { endProcessesWith } = await import('#executors/process/index')
  const options: EnvironmentOptions = {
    spec: specIn(root, wanted.declared),
    ...(wanted.name === undefined ? {} : { name: wanted.name }),
    shown: [
      root,
      ...(ground.linked ?? []).filter(
        (each) => !each.startsWith(`${root}${sep}`) && existsSync(each),
      ),
    ],
    folder: await environmentsFolder(ground),
    environment: ground.variables,
    offline: wanted.offline ?? isSet(ground.variables['UV_OFFLINE']),
    // Installing may take long, and whoever waits needs the result.
    lockAt: (file) =>
      openProjectLock(file, { waitSeconds: 3600, holder: 'another builder of this environment' }),
    endProcessesWith,
    nowMs: () => systemClock.nowMs(),
  }
  return environmentBuilder(options)
}

export async function environmentsFolder({ environments }: EnvironmentsGround): Promise<string> {
  return typeof environments === 'string' ? environments : environments()
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value)
}
