package nobody // want: package "node/nobody" is not in the import table
