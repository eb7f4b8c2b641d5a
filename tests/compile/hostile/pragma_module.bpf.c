// expect: any
#pragma clang module import passwd
#pragma clang module load passwd
#pragma clang module build passwd
module passwd {}
#pragma clang module endbuild
