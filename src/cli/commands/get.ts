import { statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { REPLACE } from '../bringing.ts'
import { command, QUIET } from '../command.ts'
import { repositoryFlags } from '../repository.ts'

export const get = command({
  command: 'get <repository> <path>',
  describe: 'Copy a file or a folder out of a repository, without tracking it',
  builder: (argv) =>
    repositoryFlags(argv)
      .positional('repository', {
        type: 'string',
        demandOption: true,
        describe: 'Path or address of a Git repository',
      })
      .positional('path', { type: 'string', demandOption: true, describe: 'File or folder in it' })
      .option('out', { alias: 'o', type: 'string', describe: 'Where to put it' })
      .option('force', REPLACE)
      .option('show-url', {
        type: 'boolean',
        default: false,
        describe: 'Only tell where the data lies',
      })
      .option('jobs', { alias: 'j', type: 'number', describe: 'How much to do at once' })
      .example('$0 get https://example.org/team/data.git prices --rev v2', 'data at a tag'),
  handler: async (flags) => {
    const { environment } = await import('#app/settings/environment')
    const { addressIn, getFrom } = await import('#app/project/foreign')
    const { sourceRequest } = await import('../repository.ts')
    const { say } = await import('../say.ts')
    const { showSteps } = await import('../steps.ts')
    const request = { ...sourceRequest(flags.repository, flags), path: plain(flags.path) }
    if (flags.showUrl) {
      const url = await addressIn(request, { variables: environment })
      say(flags, { url }, [url])
      return
    }
    const out = placeFor(flags.out, request.path)
    const world = { variables: environment, onStep: showSteps(process.argv) }
    const got = await getFrom({ ...request, out, force: flags.force }, world)
    if (!flags.quiet) say(flags, got, [`${got.path}  ${filesOf(got.files)}`])
  },
})

export const getUrl = command({
  command: 'get-url <url> [out]',
  describe: 'Copy a file or a folder from a path, a bucket or a web server, without tracking it',
  builder: (argv) =>
    argv
      .positional('url', { type: 'string', demandOption: true, describe: 'Path or address' })
      .positional('out', { type: 'string', describe: 'Where to put it' })
      .option('force', REPLACE)
      .option('fs-config', { type: 'string', array: true, describe: 'Settings, name=value' })
      .option('jobs', { alias: 'j', type: 'number', describe: 'How much to do at once' })
      .option('quiet', QUIET),
  handler: async (flags) => {
    const { environment } = await import('#app/settings/environment')
    const { getAddress } = await import('#app/project/foreign')
    const { settingsIn } = await import('../imports.ts')
    const { say } = await import('../say.ts')
    const { showSteps } = await import('../steps.ts')
    const out = placeFor(flags.out, flags.url.replace(/[?#].*$/, '').replace(/\/+$/, ''))
    const settings = settingsIn(flags.fsConfig) ?? {}
    const world = { variables: environment, onStep: showSteps(process.argv) }
    const got = await getAddress({ url: flags.url, out, force: flags.force, settings }, world)
    if (!flags.quiet) say(flags, got, [`${got.path}  ${filesOf(got.files)}`])
  },
})

/** Into a folder that is there, or as it is called. */
function placeFor(out: string | undefined, path: string): string {
  const name = posix.basename(path)
  if (out === undefined) return name
  const isFolder = statSync(out, { throwIfNoEntry: false })?.isDirectory() === true
  return isFolder ? join(out, name) : out
}

function plain(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}

function filesOf(count: number): string {
  return count === 1 ? '1 file' : `${count} files`
}
