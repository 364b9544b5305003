/**
 * Completion in bash, from 3.2 on.
 *
 * @module
 */

/** The script. */
export const bash: string = String
  .raw`# Completion of apex-token for bash. In ~/.bashrc: source <(apex-token completion bash)
_apex_token() {
  local current="${"$"}{COMP_WORDS[COMP_CWORD]}" kind="" line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=$line
    else
      COMPREPLY+=("${"$"}{line%%$'\t'*}")
    fi
  done < <(apex-token __complete "=$current" "${"$"}{COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)
  if [[ $kind == file ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current")
  fi
}
complete -F _apex_token apex-token
`;
