import type { Argv } from 'yargs'
import type { ConfigLevel } from '#app/project/config'
import { command } from '../command.ts'
import { levelFlags } from '../settings.ts'

const name = {
  type: 'string',
  demandOption: true,
  describe: 'A short name, for example backup',
} as const

const unset = {
  alias: 'u',
  type: 'boolean',
  default: false,
  describe: 'Take the option out',
} as const

export const remote = command({
  command: 'remote',
  describe: 'Name the places where data is shared: add, list, modify, default, rename, remove',
  builder: (argv: Argv) =>
    argv
      .command([add, list, modify, first, rename, remove])
      .demandCommand(1, 'name an action: add, list, modify, default, rename or remove'),
  handler: () => {},
})

const add = command({
  command: 'add <name> <url>',
  describe: 'Name a folder or an address',
  builder: (argv) =>
    levelFlags(argv)
      .positional('name', name)
      .positional('url', {
        type: 'string',
        demandOption: true,
        describe: 'A folder, or an address such as s3://bucket/path',
      })
      .option('default', {
        alias: 'd',
        type: 'boolean',
        default: false,
        describe: 'Use it where no remote is named',
      })
      .option('force', {
        alias: 'f',
        type: 'boolean',
        default: false,
        describe: 'Change a remote that is there',
      }),
  handler: async (flags) => {
    const { addRemote } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const place = settingsHere()
    const level = levelOf(flags)
    const { name: wanted, url, force, default: isDefault } = flags
    addRemote(place, { name: wanted, url, isDefault, force, ...(level && { level }) })
    if (!flags.quiet) await showRemotes(flags)
  },
})

const list = command({
  command: 'list',
  describe: 'List the remotes',
  builder: (argv) => levelFlags(argv),
  handler: async (flags) => {
    const { levelOf } = await import('../settings.ts')
    await showRemotes(flags, levelOf(flags))
  },
})

const modify = command({
  command: 'modify <name> <option> [value]',
  describe: 'Set an option of a remote, or take it out',
  builder: (argv) =>
    levelFlags(argv)
      .positional('name', name)
      .positional('option', {
        type: 'string',
        demandOption: true,
        describe: 'For example endpointurl',
      })
      .positional('value', { type: 'string', describe: 'What it is from now on' })
      .option('unset', unset),
  handler: async (flags) => {
    const { Problem } = await import('#base/problem')
    const { modifyRemote } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const level = levelOf(flags)
    const { name: wanted, option, value } = flags
    if (value === undefined && !flags.unset)
      throw new Problem('invalid', `give ${option} a value, or take it out with --unset`)
    modifyRemote(settingsHere(), {
      name: wanted,
      option,
      value: flags.unset ? undefined : value,
      ...(level && { level }),
    })
    await done(flags)
  },
})

const first = command({
  command: 'default [name]',
  describe: 'Say which remote is used where none is named, or change it',
  builder: (argv) => levelFlags(argv).positional('name', { type: 'string' }).option('unset', unset),
  handler: async (flags) => {
    const { defaultRemote, setDefaultRemote } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const { say } = await import('../say.ts')
    const level = levelOf(flags)
    if (flags.unset || flags.name !== undefined) {
      setDefaultRemote(settingsHere(), flags.unset ? undefined : flags.name, level)
      return done(flags)
    }
    const found = defaultRemote(settingsHere(), level)
    say(flags, { default: found ?? null }, [found ?? 'There is no default remote.'])
    if (found === undefined) process.exitCode = 1
  },
})

const rename = command({
  command: 'rename <name> <new>',
  describe: 'Give a remote another name',
  builder: (argv) =>
    levelFlags(argv)
      .positional('name', name)
      .positional('new', { type: 'string', demandOption: true, describe: 'Its new name' }),
  handler: async (flags) => {
    const { renameRemote } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const level = levelOf(flags)
    renameRemote(settingsHere(), { name: flags.name, to: flags.new, ...(level && { level }) })
    await done(flags)
  },
})

const remove = command({
  command: 'remove <name>',
  describe: 'Forget a remote; what is stored there stays',
  builder: (argv) => levelFlags(argv).positional('name', name),
  handler: async (flags) => {
    const { removeRemote } = await import('#app/project/remotes')
    const { levelOf, settingsHere } = await import('../settings.ts')
    const level = levelOf(flags)
    removeRemote(settingsHere(), { name: flags.name, ...(level && { level }) })
    await done(flags)
  },
})

async function showRemotes(flags: { json?: boolean }, level?: ConfigLevel): Promise<void> {
  const { configFile } = await import('#app/project/config')
  const { listRemotes } = await import('#app/project/remotes')
  const { settingsHere } = await import('../settings.ts')
  const { say } = await import('../say.ts')
  const place = settingsHere()
  // Who has not said whose remotes are meant means those of the project.
  if (level === undefined) configFile(place, 'project')
  const remotes = listRemotes(place, level)
  say(
    flags,
    { remotes },
    remotes.map(({ name: each, url, default: isDefault }) =>
      [each, url, ...(isDefault ? ['(default)'] : [])].join('\t'),
    ),
  )
}

/** What changes settings says nothing, as dvc does, but with --json it says all remotes. */
async function done(flags: { json?: boolean }): Promise<void> {
  if (flags.json === true) await showRemotes(flags)
}
