import type { Argv } from 'yargs'
import { QUIET } from './command.ts'
import type { SourceRequest } from '#data'
import { settingsIn } from './imports.ts'

/** Flags of commands that look into another repository. */
export function repositoryFlags<T>(argv: Argv<T>) {
  return argv
    .option('rev', { type: 'string', describe: 'Branch, tag or commit' })
    .option('config', { type: 'string', describe: 'Settings to lay over those of the repository' })
    .option('remote', { type: 'string', describe: 'Remote of the repository to fetch from' })
    .option('remote-config', {
      type: 'string',
      array: true,
      describe: 'Settings of that remote, name=value',
    })
    .option('quiet', QUIET)
}

export function sourceRequest(
  url: string,
  flags: {
    rev?: string | undefined
    config?: string | undefined
    remote?: string | undefined
    remoteConfig?: string[] | undefined
  },
): SourceRequest {
  const remoteConfig = settingsIn(flags.remoteConfig)
  return {
    url,
    ...(flags.rev === undefined ? {} : { rev: flags.rev }),
    ...(flags.config === undefined ? {} : { config: flags.config }),
    ...(flags.remote === undefined ? {} : { remote: flags.remote }),
    ...(remoteConfig === undefined ? {} : { remoteConfig }),
  }
}
