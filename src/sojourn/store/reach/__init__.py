"""Where customers can be reached beside the addresses that are traits of theirs."""
