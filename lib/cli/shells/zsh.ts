/**
 * Completion in zsh.
 *
 * @module
 */

/** The script: to be sourced, or to be kept as `_apex-token` in a folder of `fpath`. */
export const zsh: string = String.raw`#compdef apex-token
# Completion of apex-token for zsh. In ~/.zshrc after compinit: source <(apex-token completion zsh)
_apex_token() {
  local -a lines candidates
  local line
  lines=("${"$"}{(@f)$(apex-token __complete "=${"$"}{(Q)words[CURRENT]}" "${"$"}{(@Q)words[2,CURRENT-1]}" 2>/dev/null)}")
  if [[ $lines[1] == file ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    _files
    return
  fi
  for line in "${"$"}{(@)lines[2,-1]}"; do
    if [[ $line == *$'\t'* ]]; then
      candidates+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}")
    else
      candidates+=("${"$"}{line//:/\\:}")
    fi
  done
  _describe -t words 'apex-token' candidates
}
if [[ $funcstack[1] == _apex-token ]]; then
  _apex_token "$@"
else
  compdef _apex_token apex-token
fi
`;
