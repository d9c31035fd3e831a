import type { ConfigValue } from './config-text.ts'

/** Undefined where a value is right, else what it has to be. */
type Rule = (value: string) => string | undefined

const text: Rule = () => undefined
const flag: Rule = (value) =>
  /^(?:true|false)$/i.test(value) ? undefined : 'has to be true or false'
const whole: Rule = (value) => (/^[-+]?\d+$/.test(value) ? undefined : 'has to be a whole number')
const positive: Rule = (value) =>
  /^\+?\d+$/.test(value) && Number(value) >= 1 ? undefined : 'has to be a whole number from 1'
const seconds: Rule = (value) =>
  value !== '' && Number(value) > 0 ? undefined : 'has to be a number above 0'
const oneOf =
  (...words: string[]): Rule =>
  (value) =>
    words.includes(value.toLowerCase()) ? undefined : `has to be one of ${words.join(', ')}`
const links: Rule = (value) =>
  value.split(',').every((each) => ['reflink', 'hardlink', 'symlink', 'copy'].includes(each.trim()))
    ? undefined
    : 'has to name link types: reflink, hardlink, symlink, copy'

type Options = Readonly<Record<string, Rule>>

/** The same rule for all of these names. */
function all(rule: Rule, names: string): Options {
  return Object.fromEntries(names.split(' ').map((name) => [name, rule]))
}

const LINKS = {
  type: links,
  shared: oneOf('group'),
  ...all(flag, 'protected slow_link_warning verify'),
}
const HDFS: Options = {
  url: text,
  ...all(positive, 'checksum_jobs jobs'),
  ...all(flag, 'worktree no_traverse version_aware'),
  ...all(text, 'user kerb_ticket'),
}
const ANY_REMOTE: Options = {
  url: text,
  ...all(positive, 'checksum_jobs jobs'),
  ...all(flag, 'worktree no_traverse version_aware verify'),
}
const HTTP = {
  ...ANY_REMOTE,
  auth: oneOf('basic', 'digest', 'custom'),
  ...all(text, 'custom_auth_header user password ssl_verify method'),
  ask_password: flag,
  ...all(seconds, 'connect_timeout read_timeout'),
}
const WEBDAV = {
  ...ANY_REMOTE,
  ...all(
    text,
    'user password token bearer_token_command custom_auth_header cert_path key_path ssl_verify',
  ),
  ask_password: flag,
  timeout: whole,
}

/** Options of a remote by the scheme of its address; '' for folders. */
const REMOTES: Readonly<Record<string, Options>> = {
  '': { ...ANY_REMOTE, ...LINKS },
  s3: {
    ...ANY_REMOTE,
    ...all(
      text,
      'region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token ssl_verify sse sse_kms_key_id sse_customer_algorithm sse_customer_key acl grant_read grant_read_acp grant_write_acp grant_full_control',
    ),
    ...all(flag, 'listobjects use_ssl allow_anonymous_login'),
    ...all(whole, 'read_timeout connect_timeout'),
  },
  gs: {
    ...ANY_REMOTE,
    ...all(text, 'projectname credentialpath endpointurl'),
    allow_anonymous_login: flag,
  },
  ssh: {
    ...ANY_REMOTE,
    type: links,
    ...all(whole, 'port timeout max_sessions'),
    ...all(text, 'user password passphrase keyfile'),
    ...all(flag, 'ask_password ask_passphrase gss_auth allow_agent'),
  },
  hdfs: HDFS,
  webhdfs: {
    ...ANY_REMOTE,
    ...all(text, 'kerberos_principal proxy_to ssl_verify token user password data_proxy_target'),
    ...all(flag, 'kerberos use_https'),
  },
  azure: {
    ...ANY_REMOTE,
    ...all(
      text,
      'connection_string sas_token account_name account_key tenant_id client_id client_secret',
    ),
    ...all(
      flag,
      'allow_anonymous_login exclude_environment_credential exclude_visual_studio_code_credential exclude_shared_token_cache_credential exclude_managed_identity_credential',
    ),
    ...all(whole, 'timeout read_timeout connection_timeout'),
  },
  oss: { ...ANY_REMOTE, ...all(text, 'oss_key_id oss_key_secret oss_endpoint') },
  gdrive: {
    ...ANY_REMOTE,
    ...all(
      text,
      'profile gdrive_client_id gdrive_client_secret gdrive_user_credentials_file gdrive_service_account_user_email gdrive_service_account_json_file_path',
    ),
    ...all(flag, 'gdrive_use_service_account gdrive_trash_only gdrive_acknowledge_abuse'),
  },
  http: HTTP,
  https: HTTP,
  webdav: WEBDAV,
  webdavs: WEBDAV,
}

const SECTIONS: Readonly<Record<string, Options>> = {
  core: {
    ...all(text, 'remote site_cache_dir machine'),
    checksum_jobs: positive,
    ...all(flag, 'interactive analytics hardlink_lock no_scm autostage experiments check_update'),
  },
  cache: { ...all(text, 'local s3 gs hdfs webhdfs ssh azure dir'), ...LINKS },
  state: all(text, 'dir row_limit row_cleanup_quota'),
  index: { dir: text },
  plots: { ...all(text, 'html_template out_dir'), auto_open: flag },
  exp: { ...all(text, 'code data models metrics params plots live git_remote'), auto_push: flag },
  parsing: {
    bool: oneOf('store_true', 'boolean_optional'),
    list: oneOf('nargs', 'append'),
  },
  hydra: { enabled: flag, ...all(text, 'config_dir config_module config_name plugins_path') },
  studio: { ...all(text, 'token url repo_url'), offline: flag },
}

const DATABASE: Options = all(text, 'url username password')

/** What DVC would refuse in these settings, which are those of all levels together. */
export function configFaults(
  config: ReadonlyMap<string, ReadonlyMap<string, ConfigValue>>,
): string[] {
  return [...config].flatMap(([section, options]) => {
    const [, kind, name] = /^(remote|machine|db) "(.*)"$/.exec(section) ?? []
    if (section === 'feature' || kind === 'machine') return []
    const shown = kind === undefined ? section : `${kind}.${name ?? ''}`
    if (kind === 'remote') return remoteFaults(shown, options)
    const known = kind === 'db' ? DATABASE : SECTIONS[section]
    return known === undefined
      ? [
          `there is no section ${section}; DVC has ${Object.keys(SECTIONS).join(', ')}, remote and db`,
        ]
      : optionFaults(shown, options, known)
  })
}

function remoteFaults(shown: string, options: ReadonlyMap<string, ConfigValue>): string[] {
  const url = options.get('url')
  if (typeof url !== 'string')
    return [`${shown} has no url; add it first with \`orrery remote add\``]
  // A scheme counts only with a host behind it: `c:/x` and `file:///x` are folders.
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/[^/?#]/i.exec(url)?.[1]?.toLowerCase() ?? ''
  if (scheme === 'remote') return []
  const known = REMOTES[scheme]
  if (known === undefined)
    return [
      `${shown}.url is of a kind that DVC does not know, ${scheme}://; it knows ${Object.keys(REMOTES).slice(1).join(', ')} and folders`,
    ]
  return optionFaults(shown, options, known)
}

function optionFaults(
  shown: string,
  options: ReadonlyMap<string, ConfigValue>,
  known: Options,
): string[] {
  return [...options].flatMap(([name, value]) => {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined
    if (rule === undefined)
      return [
        `${shown} has no option ${name}; it takes ${Object.keys(known).toSorted().join(', ')}`,
      ]
    const fault = rule(typeof value === 'string' ? value : value.join(','))
    return fault === undefined ? [] : [`${shown}.${name} ${fault}`]
  })
}
