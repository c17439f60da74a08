"""Completion of a call in bash: commands by name, settings by Hydra, files by the shell."""

from collections.abc import Iterable

# Hydra completes for programs without commands: it is asked as if there were none. Bash parts words at "=" and
# takes what follows the last of these.
_SCRIPT = """\
_rankaae() {
    local line="${COMP_LINE:0:COMP_POINT}" word command choices
    local words=($line)
    command="${words[1]}" word="${words[-1]}"
    [[ "$line" == *" " ]] && word=""
    if (( ${#words[@]} == 1 )) || [[ ${#words[@]} == 2 && -n "$word" ]]; then
        COMPREPLY=($(compgen -W "@COMMANDS@ --help --version" -- "$word"))
        [[ ${#COMPREPLY[@]} == 1 ]] && COMPREPLY=("${COMPREPLY[0]} ")
        return
    fi
    local settings="${line#*"$command"}"
    # Short for model.name= and measured.file=, which Hydra does not know of.
    [[ "$command" == predict ]] && settings=$(sed -E 's/ (model|measured)=[^ ]+ / /g' <<< "$settings")
    choices=$(COMP_LINE="rankaae $settings" "${words[0]}" "$command" -sc query=bash 2> /dev/null)
    COMPREPLY=($(compgen -W "$choices" -- "$word"))
    [[ "$word" == *=* && "$COMP_WORDBREAKS" == *=* ]] && COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*=}"}"}")
}
complete -o nospace -o default -F _rankaae rankaae"""


def bash_completion(commands: Iterable[str]) -> str:
    """Return the script that makes bash complete the calls of these commands."""
    return _SCRIPT.replace("@COMMANDS@", " ".join(commands))
