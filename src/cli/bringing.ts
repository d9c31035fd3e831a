/** Of commands that bring something from elsewhere: whether it may take the place of what is there. */
export const REPLACE = {
  alias: 'f',
  type: 'boolean',
  default: false,
  describe: 'Replace what is there',
} as const
