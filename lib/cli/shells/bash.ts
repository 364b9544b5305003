/**
 * Completion in bash, from 3.2 on.
 *
 * @module
 */

/** The script. */
export const bash: string = String
  .raw`# Completion of apex-token for bash. In ~/.bashrc: source <(apex-token completion bash)
_apex_token() {
  local -a typed=()
  local count=0 at word glued="" current prefix="" kind="" line
  # --option=value is three words here, unless COMP_WORDBREAKS was changed
  for ((at = 1; at <= COMP_CWORD; at++)); do
    word=${"$"}{COMP_WORDS[at]}
    if ((count > 0)) && [[ -n $glued || $word == = ]]; then
      typed[count - 1]+=$word
    else
      typed[count++]=$word
    fi
    glued=
    [[ $word == = ]] && glued=yes
  done
  current=${"$"}{typed[count - 1]}
  [[ $current != "${"$"}{COMP_WORDS[COMP_CWORD]}" ]] && prefix="${"$"}{current%%=*}="
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=$line
    else
      line=${"$"}{line%%$'\t'*}
      COMPREPLY+=("${"$"}{line#"$prefix"}")
    fi
  done < <(apex-token __complete "=$current" "${"$"}{typed[@]:0:count-1}" 2>/dev/null)
  if [[ $kind == file ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "${"$"}{current#"$prefix"}")
  fi
}
complete -F _apex_token apex-token
`;
